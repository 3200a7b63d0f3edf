import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { ImportFacts, Place } from "../../model/imports";
import type { Client } from "../connect";
import { ProvisioningError } from "../errors";
import { onOneLine, shown } from "../shown";
import {
  type ForeignKey,
  listOf,
  nameOf,
  readForeignKeys,
  readSequences,
  readTriggers,
  rowsOf,
  type Sequence,
  type Trigger,
} from "./catalogue";
import type { Choices, CopiedTable, Target } from "./compare";
import { dropOrphans, findOrphans, type Orphans } from "./orphans";
import { digestOf } from "./postgres";
import type { Sent, Source, Unfit } from "./source";
import { Digest, Digesting } from "./verify";

/** What is going on, and how many of its rows are done. */
export interface Step {
  readonly doing: "copying" | "checking";
  readonly table: string;
  /** Rows of all tables so far. */
  readonly rows: number;
}

/** Addresses of files in a column, by their scheme. */
export interface Location {
  readonly column: string;
  /** Such as `s3`; `path` for one without a scheme. */
  readonly scheme: string;
  readonly rows: number;
}

/** What was copied and compared in a transaction that is still open. */
export interface Copied {
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  readonly orphans: readonly Orphans[];
  readonly locations: readonly Location[];
  /** What was read, to see whether the source has changed. */
  readonly sent: readonly Sent[];
}

/** Rows that the target does not take, all of them. */
export class RefusedRows extends ProvisioningError {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

const id = pg.escapeIdentifier;

/**
 * Replaces the rows of a platform's database by those of a source, and compares each row with what the server then has. The transaction
 * stays open: the caller ends it.
 *
 * @throws RefusedRows if some do not fit, or ProvisioningError; the transaction must then be rolled back.
 */
export async function copy(
  source: Source,
  target: Target,
  tables: readonly CopiedTable[],
  choices: Choices,
  onStep: (step: Step) => void,
): Promise<Copied> {
  const { client } = target;
  await client.query("begin read write");
  // What is checked only at the end would keep the tables from being altered.
  await client.query("set constraints all immediate");
  // Keys and checks may use operators and functions of schema public, such as citext's, which ignores case. The catalog's come first.
  await client.query("set local search_path = pg_catalog, public");
  await lock(client, tables);
  await refuseNewRows(target, tables);
  const keys = await readForeignKeys(client);
  const triggers = (await readTriggers(client)).filter(({ root }) => tables.some(({ table }) => table.name === root));
  for (const { table, name } of keys) await client.query(`alter table ${nameOf(table)} drop constraint ${id(name)}`);
  for (const { relation, name } of triggers) await client.query(`alter table ${relation} disable trigger ${id(name)}`);
  if (tables.length > 0) await client.query(`truncate ${tables.map(({ table }) => rowsOf(table)).join(", ")}`);
  const { digests, problems } = await fill(source, target, tables, onStep);
  const sent = tables.map(({ table, columns }) => ({ table, columns, digest: String(digests.get(table.name)) }));
  const orphans = await treatOrphans(client, keys, tables, digests, problems, choices);
  if (problems.sentences.length > 0) throw new RefusedRows(problems.sentences);
  await restore(client, keys, triggers);
  await setSequences(source, client);
  await refreshViews(client);
  await check(client, tables, digests, onStep);
  const locations = await locate(client, target.facts.locations, tables);
  const rows = tables.map(({ table }) => ({ table: table.name, rows: digests.get(table.name)?.rows ?? 0 }));
  return { tables: rows, orphans, locations, sent };
}

async function lock(client: Client, tables: readonly CopiedTable[]): Promise<void> {
  if (tables.length > 0)
    await client.query(`lock table ${tables.map(({ table }) => nameOf(table.name)).join(", ")} in access exclusive mode`);
}

/** A person has agreed to lose the rows that there were, not those that came since. */
async function refuseNewRows({ client, database }: Target, tables: readonly CopiedTable[]): Promise<void> {
  for (const { table, goes } of tables) {
    const { rows } = await client.query<{ rows: string }>(`select count(*) as rows from ${rowsOf(table)}`);
    if (Number(rows[0]?.rows) !== goes)
      throw new ProvisioningError(
        `database ${database}: ${table.name} has changed since it was looked at; stop the platform, and run this again`,
      );
  }
}

/** Reasons to reject the import, and the tables that are incomplete because of them. */
interface Problems {
  readonly sentences: string[];
  readonly broken: Set<string>;
}

async function fill(source: Source, { client, facts }: Target, tables: readonly CopiedTable[], onStep: (step: Step) => void) {
  const digests = new Map<string, Digest>();
  const problems: Problems = { sentences: [], broken: new Set() };
  let all = 0;
  for (const { table, columns, comes } of tables) {
    const digest = new Digest();
    digests.set(table.name, digest);
    onStep({ doing: "copying", table: table.name, rows: all });
    if (comes === 0) continue;
    const onUnfit = (unfit: Unfit) => {
      problems.sentences.push(describeUnfit(unfit, source, facts));
      problems.broken.add(table.name);
    };
    const onRows = (rows: number) => {
      all += rows;
      onStep({ doing: "copying", table: table.name, rows: all });
    };
    await client.query("savepoint before_table");
    try {
      const into = client.query(copyFrom(`copy ${nameOf(table.name)} (${listOf(columns)}) from stdin`)) as unknown as Writable;
      // Named first: the pipeline then ends the source with the same error.
      into.once("error", (error) => Object.assign(error, { source: null }));
      await pipeline(source.read({ table, columns, onUnfit }), new Digesting(digest, 1, onRows), into);
      await client.query("release savepoint before_table");
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await client.query("rollback to savepoint before_table");
      // A source that is a server would go on sending.
      if (source.kind === "postgresql") throw new ProvisioningError(describeRefusal(table.name, error));
      problems.sentences.push(describeRefusal(table.name, error));
      problems.broken.add(table.name);
    }
  }
  return { digests, problems };
}

function describeUnfit({ table, column, rule, rows, example }: Unfit, { title }: Source, { renumbered }: ImportFacts): string {
  const way = renumbered?.column === column ? `add --renumber: ${renumbered.because}` : `correct it in a copy of ${title}`;
  return `${table}.${column}: ${rule}, got ${rows} ${rows === 1 ? "row" : "rows"} such as ${example}; ${way}`;
}

/** The server's refusal of a row: SQLSTATE classes 22, 23 and 54, and what a function raises, as that of a check. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
}
const isRefusal = (error: unknown): error is Refusal =>
  typeof error === "object" && error !== null && /^(22|23|54|P0)...$/.test(String((error as { code?: unknown }).code));

/** Without the value, which may be a secret, as in `invalid input syntax for type integer: "..."`. */
const reasonOf = ({ code, message }: Refusal): string =>
  code.startsWith("P0") ? "a function raised an error" : shown(message.replace(/: ".*$/s, ""));

/** Where a row stands, but not what is in it. */
function describeRefusal(table: string, refusal: Refusal): string {
  const { where = "" } = refusal;
  const [, line, column] = /line (\d+)(?:, column (\S+?))?(?::|$)/.exec(where) ?? [];
  const at = line === undefined ? "" : `, in row ${line}`;
  return `${table}${column === undefined ? "" : `.${column}`}: PostgreSQL rejects it${at} (${reasonOf(refusal)}); correct it in a copy`;
}

async function treatOrphans(
  client: Client,
  keys: readonly ForeignKey[],
  tables: readonly CopiedTable[],
  digests: ReadonlyMap<string, Digest>,
  { sentences, broken }: Problems,
  { withoutOrphans }: Choices,
): Promise<readonly Orphans[]> {
  const whole = keys.filter(({ table, other }) => !broken.has(table) && !broken.has(other));
  const all = new Map<string, Orphans>();
  // Rows that are left out may leave orphans in turn.
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const key of whole) {
      const found = await findOrphans(client, key);
      if (found === null) continue;
      const known = all.get(key.name);
      all.set(key.name, { ...found, rows: found.rows + (known?.rows ?? 0), example: known?.example ?? found.example });
      if (!withoutOrphans) continue;
      const [copied, digest] = [tables.find(({ table }) => table.name === key.table), digests.get(key.table)];
      // Rows of another program are nobody's to delete.
      if (copied === undefined || digest === undefined) {
        sentences.push(`${key.table}: rows of another program refer to ${key.other}; drop ${key.name}, or those rows`);
        return [...all.values()];
      }
      await dropOrphans(client, key, copied, digest);
      isDone = false;
    }
  }
  if (!withoutOrphans) sentences.push(...[...all.values()].map(describeOrphans));
  return [...all.values()];
}

const describeOrphans = ({ table, columns, other, rows, example, fate }: Orphans): string =>
  `${table}.${columns.join(", ")}: must be in ${other}, got ${rows} ${rows === 1 ? "row" : "rows"} such as ${onOneLine(example)}; ` +
  `with --without-orphans they are ${fate}`;

async function restore(client: Client, keys: readonly ForeignKey[], triggers: readonly Trigger[]): Promise<void> {
  for (const { table, name, definition, comment } of keys) {
    await client.query(`alter table ${nameOf(table)} add constraint ${id(name)} ${definition}`);
    if (comment !== null) await client.query(`comment on constraint ${id(name)} on ${nameOf(table)} is ${pg.escapeLiteral(comment)}`);
  }
  for (const { relation, name, enable } of triggers) await client.query(`alter table ${relation} ${enable} trigger ${id(name)}`);
}

/** Each goes on after the source's last number, and after the last that is there. Restarted first, it is as before after a rollback. */
async function setSequences(source: Source, client: Client): Promise<void> {
  for (const sequence of await readSequences(client)) {
    const { name, column, start, least, most, descends } = sequence;
    const found = await source.position(sequence);
    // Numbers that were too large have got new ones.
    const last = found === null || BigInt(found.last) > BigInt(most) || BigInt(found.last) < BigInt(least) ? null : found;
    if (last === null && column === null) continue;
    const given = await readLastGiven(client, sequence);
    const isBehind =
      given !== null && (last === null || (descends ? BigInt(given) <= BigInt(last.last) : BigInt(given) >= BigInt(last.last)));
    const position = isBehind ? { last: given, isCalled: true } : (last ?? { last: start, isCalled: false });
    await client.query(`alter sequence ${nameOf(name)} restart`);
    await client.query("select setval($1::regclass, $2::bigint, $3)", [nameOf(name), position.last, position.isCalled]);
  }
}

/** The last number in a column that its sequence can have given: MLflow's experiment 0 is not one. */
async function readLastGiven(client: Client, { table, column, least, most, descends }: Sequence): Promise<string | null> {
  if (table === null || column === null) return null;
  const { rows } = await client.query<{ last: string | null }>(
    `select ${descends ? "min" : "max"}(${id(column)})::text as last from ${nameOf(table)} where ${id(column)} between ${least} and ${most}`,
  );
  return rows[0]?.last ?? null;
}

/** In the order in which they were created, since one may read another. */
async function refreshViews(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'm' and relispopulated and relnamespace = to_regnamespace('public') order by oid",
  );
  for (const { name } of rows)
    await client.query(`refresh materialized view ${nameOf(name)}`).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      throw new ProvisioningError(`materialized view ${name} cannot be refreshed (${reasonOf(error)}); correct the rows, or drop it`);
    });
}

/** @throws ProvisioningError if any row is not what was sent. */
async function check(
  client: Client,
  tables: readonly CopiedTable[],
  digests: ReadonlyMap<string, Digest>,
  onStep: (step: Step) => void,
): Promise<void> {
  let all = 0;
  const differing: string[] = [];
  for (const { table, columns } of tables) {
    onStep({ doing: "checking", table: table.name, rows: all });
    const stored = await digestOf(client, `select ${listOf(columns)} from ${rowsOf(table)}`, new Digest(), 1, (rows) => {
      all += rows;
      onStep({ doing: "checking", table: table.name, rows: all });
    });
    if (String(stored) !== String(digests.get(table.name))) differing.push(table.name);
  }
  if (differing.length > 0)
    throw new ProvisioningError(
      `${differing.join(", ")}: PostgreSQL stored other rows than were sent; please report it, with the types of the columns`,
    );
}

/** A scheme, or nothing: https://www.rfc-editor.org/rfc/rfc3986#section-3.1 */
const SCHEME = "coalesce(lower(substring(x from '^([A-Za-z][A-Za-z0-9+.-]*):')), 'path')";

async function locate(client: Client, places: readonly Place[], tables: readonly CopiedTable[]): Promise<readonly Location[]> {
  const found: Location[] = [];
  for (const { table, column, where } of places) {
    const its = tables.find((each) => each.table.name === table)?.table;
    if (its === undefined || !its.columns.some(({ name }) => name === column)) continue;
    const condition = where === undefined ? "" : ` and ${id(where.column)} = ${pg.escapeLiteral(where.is)}`;
    const { rows } = await client.query<{ scheme: string; rows: number }>(
      `select ${SCHEME} as scheme, count(*)::int as rows from (select ${id(column)} as x from ${rowsOf(its)} where ${id(column)} <> ''${condition}) each group by 1 order by 1`,
    );
    found.push(...rows.map(({ scheme, rows: count }) => ({ column: `${table}.${column}`, scheme: shown(scheme), rows: count })));
  }
  return found;
}
