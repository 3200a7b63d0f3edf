/** A platform's data in a SQLite file. */
export interface SqliteFacts {
  /** As the platform calls the file: `mlflow.db`. */
  readonly file: string;
  /** Revision in a file, by the revision in PostgreSQL, if the platform numbers the two differently. Default: none, both have the same. */
  readonly revisions: Readonly<Record<string, string>>;
  /** How to bring a copy of the file up to date, in the imperative. */
  readonly upgrade: string;
  /** Directory that older versions keep instead of a file, and how to convert it; null if there is none. */
  readonly directory: { readonly name: string; readonly remedy: string } | null;
}

/** A column of a table in schema `public`. */
export interface Place {
  readonly table: string;
  readonly column: string;
  /** Only rows in which another column has this value. Default: all rows. */
  readonly where?: { readonly column: string; readonly is: string };
}

/** Numbers in a SQLite file that may be too large for PostgreSQL's `integer`. */
export interface Renumbered extends Pick<Place, "table" | "column"> {
  /** Places of the number besides all columns of this name. */
  readonly also: readonly Place[];
  /** Why they are that large. */
  readonly because: string;
}

/** What an import of existing data needs to know about a platform. */
export interface ImportFacts {
  /** Null if it never keeps data in SQLite. */
  readonly sqlite: SqliteFacts | null;
  /** Maximum number of rows that migrations and a first start write, by table: replacing them loses nothing. */
  readonly ownRows: Readonly<Record<string, number>>;
  /** Columns with addresses of files. The files do not move with the rows. */
  readonly locations: readonly Place[];
  readonly renumbered: Renumbered | null;
  /** What a person must move besides the rows, a sentence each. */
  readonly besides: readonly string[];
  /** What to do for data in MySQL, in the imperative. */
  readonly mysql: string;
}

const NO_IMPORT: ImportFacts = {
  sqlite: null,
  ownRows: {},
  locations: [],
  renumbered: null,
  besides: [],
  mysql: "copy it into a PostgreSQL with another tool, such as pgloader, check it, and import from there",
};

/** Fills in the defaults. */
export const completeImport = (facts: Partial<ImportFacts>): ImportFacts => ({ ...NO_IMPORT, ...facts });
