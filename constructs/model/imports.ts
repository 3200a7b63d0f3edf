/** A platform's data in a SQLite file. */
export interface SqliteFacts {
  /** As the platform calls the file: `mlflow.db`. */
  readonly file: string;
  /** Its revision in a file, by that of a PostgreSQL, where the platform has different ones. Default: none, it has one for both. */
  readonly revisions: Readonly<Record<string, string>>;
  /** How to bring a copy of the file up to date, in the imperative. */
  readonly upgrade: string;
  /** A directory that older versions keep instead of a file, and how to turn it into one; null if there is none. */
  readonly directory: { readonly name: string; readonly remedy: string } | null;
}

/** A column of a table in schema `public`. */
export interface Place {
  readonly table: string;
  readonly column: string;
  /** The rows that are meant: those in which another column has this value. Left out, all are. */
  readonly where?: { readonly column: string; readonly is: string };
}

/** Numbers that a SQLite file may hold too large for PostgreSQL's `integer`. */
export interface Renumbered extends Pick<Place, "table" | "column"> {
  /** Where the number stands besides the columns of this name. */
  readonly also: readonly Place[];
  /** Why they are that large. */
  readonly because: string;
}

/** What importing existing data takes to know of a platform. */
export interface ImportFacts {
  /** Null if it keeps no data in a SQLite file. */
  readonly sqlite: SqliteFacts | null;
  /** Most rows that migrating, and a first start, write by themselves, by table: replacing those loses nothing. */
  readonly ownRows: Readonly<Record<string, number>>;
  /** Where addresses of files stand, which do not move with the rows. */
  readonly locations: readonly Place[];
  readonly renumbered: Renumbered | null;
  /** What has to move besides the rows, a sentence each. */
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
  mysql: "copy it into a PostgreSQL with a tool of its own, such as pgloader, check it, and import from there",
};

/** Completes what a platform states. */
export const completeImport = (facts: Partial<ImportFacts>): ImportFacts => ({ ...NO_IMPORT, ...facts });
