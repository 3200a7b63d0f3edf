import type { Readable } from "node:stream";
import type { Revision } from "../../model/platform";
import type { Column, Table } from "./catalogue";

/** A table of a source that can be read. */
export interface SourceTable {
  readonly name: string;
  readonly columns: readonly SourceColumn[];
  /** Exact number of rows. */
  readonly rows: number;
}

export interface SourceColumn {
  readonly name: string;
  /** Name of its type in PostgreSQL; null in a SQLite file, whose values are converted. */
  readonly type: string | null;
}

/** Position of a sequence, as `setval` takes it. */
export interface Position {
  readonly last: string;
  readonly isCalled: boolean;
}

/** Rows of a column that do not fit the target. */
export interface Unfit {
  readonly table: string;
  readonly column: string;
  readonly rule: string;
  readonly rows: number;
  /** One of the values, or its row: a text may be a secret. */
  readonly example: string;
}

/** How to read a table. */
export interface Reading {
  readonly table: Table;
  /** Columns of the target to fill, in this order. */
  readonly columns: readonly Column[];
  /** Called once for each column whose values do not fit, at the end. */
  readonly onUnfit: (unfit: Unfit) => void;
}

/** A table as it was read: its columns, and its digest as a text. */
export interface Sent {
  readonly table: Table;
  readonly columns: readonly Column[];
  readonly digest: string;
}

/** Data of a platform elsewhere: a SQLite file, or a database of another PostgreSQL. It is never changed. */
export interface Source {
  /** As a person knows it: `mlflow.db`, or `database mlflow on db.example.com:5432`. */
  readonly title: string;
  readonly kind: "sqlite" | "postgresql";
  /** Size in bytes. */
  readonly bytes: number;
  /** Problems that are found before any row is read, a sentence each. */
  readonly problems: readonly string[];
  /** Sessions of others in it. */
  readonly sessions: number;
  /** Notes for a person, a sentence each. */
  readonly notes: readonly string[];
  /** Its tables in schema `public`, by name. */
  readonly tables: ReadonlyMap<string, SourceTable>;
  /** The platform's revision; null without its table. */
  revision(revision: Revision): Promise<string | null>;
  /** A table's rows as lines of `COPY`, in the form in which the target prints them. */
  read(reading: Reading): Readable;
  /** Position of the sequence with this name, or of the numbering of that table; null if it is not known. */
  position(sequence: { readonly name: string; readonly table: string | null }): Promise<Position | null>;
  /** New numbers by the old ones; empty unless the source was opened to renumber. */
  readonly renumbered: ReadonlyMap<string, string>;
  /** Whether it has changed since it was opened. */
  hasChanged(read: readonly Sent[]): Promise<boolean>;
  close(): Promise<void>;
}
