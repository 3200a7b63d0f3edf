import pg from "pg";
import type { Client } from "../connect";
import { shown } from "../shown";
import { type ForeignKey, listOf, nameOf } from "./catalogue";
import type { CopiedTable } from "./compare";
import { digestOf } from "./postgres";
import type { Digest } from "./verify";

/** Rows that refer to one that does not exist. */
export interface Orphans {
  readonly table: string;
  readonly columns: readonly string[];
  readonly other: string;
  readonly rows: number;
  readonly example: string;
  /** What `--without-orphans` does with them. */
  readonly fate: "left out" | "emptied";
}

const id = pg.escapeIdentifier;

/** As PostgreSQL checks it: a key with a null in it refers to nothing. */
const isOrphan = ({ columns, other, otherColumns }: ForeignKey): string =>
  [
    ...columns.map((column) => `x.${id(column)} is not null`),
    `not exists (select from ${nameOf(other)} y where ${columns.map((column, index) => `x.${id(column)} = y.${id(otherColumns[index] ?? "")}`).join(" and ")})`,
  ].join(" and ");

export async function findOrphans(client: Client, key: ForeignKey): Promise<Orphans | null> {
  const { table, columns, other, onDelete } = key;
  const example = columns.map((column) => `x.${id(column)}::text`).join(" || ', ' || ");
  const { rows } = await client.query<{ rows: number; example: string | null }>(
    `select count(*)::int as rows, min(${example}) as example from ${nameOf(table)} x where ${isOrphan(key)}`,
  );
  const [found] = rows;
  if (found === undefined || found.rows === 0) return null;
  return { table, columns, other, rows: found.rows, example: shown(found.example ?? ""), fate: onDelete === "n" ? "emptied" : "left out" };
}

/** Does with orphans what deleting the other row would have done, and takes them out of what was sent. Triggers must be off. */
export async function dropOrphans(client: Client, key: ForeignKey, { columns }: CopiedTable, sent: Digest): Promise<void> {
  const from = `${nameOf(key.table)} x where ${isOrphan(key)}`;
  const all = listOf(columns, "x.");
  if (key.onDelete !== "n") {
    await digestOf(client, `delete from ${from} returning ${all}`, sent, -1);
    return;
  }
  await digestOf(client, `select ${all} from ${from}`, sent, -1);
  const empty = key.columns.map((column) => `${id(column)} = null`).join(", ");
  await digestOf(client, `update ${nameOf(key.table)} x set ${empty} where ${isOrphan(key)} returning ${all}`, sent);
}
