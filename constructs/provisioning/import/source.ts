import type { Readable } from "node:stream";
import type { Revision } from "../../model/platform";
import type { Column, Table } from "./catalogue";

/** A table of a source, with the columns that a copy can read. */
export interface SourceTable {
  readonly name: string;
  readonly columns: readonly SourceColumn[];
  /** Exact number of rows. */
  readonly rows: number;
}

export interface SourceColumn {
  readonly name: string;
  /** PostgreSQL's name of its type; null in a SQLite file, whose values are converted. */
  readonly type: string | null;
}

/** Where a sequence stands, as `setval` takes it. */
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
  /** Such a value, or where one stands: a text may be a secret. */
  readonly example: string;
}

/** How to read a table. */
export interface Reading {
  readonly table: Table;
  /** Those of the target to fill, in this order. */
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
  /** What is wrong with it, before any row is read: a sentence each. */
  readonly problems: readonly string[];
  /** Sessions of others in it. */
  readonly sessions: number;
  /** What a person should know of it. */
  readonly notes: readonly string[];
  /** Its tables in schema `public`, by name. */
  readonly tables: ReadonlyMap<string, SourceTable>;
  /** The revision that it notes; null if it lacks the table. */
  revision(revision: Revision): Promise<string | null>;
  /** A table's rows as lines of `COPY`, in the form in which the target prints them. */
  read(reading: Reading): Readable;
  /** Where a sequence of this name stands, or what a column of that table is numbered by; null if it does not say. */
  position(sequence: { readonly name: string; readonly table: string | null }): Promise<Position | null>;
  /** Numbers that too large ones get, by the text of the old; empty unless the source was opened to renumber. */
  readonly renumbered: ReadonlyMap<string, string>;
  /** Whether it has changed since it was opened. */
  hasChanged(read: readonly Sent[]): Promise<boolean>;
  close(): Promise<void>;
}
