import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { to as copyTo } from "pg-copy-streams";
import { UserError } from "../../model/errors";
import { type Client, close, open, type Server, type Session, UNLIMITED } from "../connect";
import type { Credential } from "../credential";
import { type Attempt, explain, isTransient, isWrongPassword, ProvisioningError } from "../errors";
import { shown } from "../shown";
import { type Column, countRows, listOf, nameOf, readTables, rowsOf, type Table } from "./catalogue";
import type { Position, Source, SourceTable } from "./source";
import { Digest, Digesting } from "./verify";

/** Milliseconds that a statement waits for a lock. */
const LOCK = 30_000;
/** Version that has `transaction_timeout` first, as `server_version_num`. */
const TRANSACTION_TIMEOUT = 170_000;

/** Both servers print values alike, and nothing ends the session; a policy on rows is an error, since it would leave rows out. */
const SESSION: Session = {
  ...UNLIMITED,
  lock: LOCK,
  parameters: {
    timezone: "UTC",
    datestyle: "ISO",
    intervalstyle: "postgres",
    extra_float_digits: 1,
    bytea_output: "hex",
    row_security: "off",
    client_encoding: "UTF8",
  },
};

/** A session for copying, at either end. @throws the driver's own error. */
export async function openForCopy(server: Server, credential: Credential, database: string): Promise<Client> {
  const client = await open(server, credential, database, SESSION);
  const { rows } = await client.query<{ version: number }>("select current_setting('server_version_num')::int as version");
  if ((rows[0]?.version ?? 0) >= TRANSACTION_TIMEOUT) await client.query("set transaction_timeout = 0");
  return client;
}

/** Rows as `COPY` prints them. @param query a statement that returns them. */
export function printed(client: Client, query: string): Readable {
  const rows = client.query(copyTo(`copy (${query}) to stdout`));
  // If the session ends after the last reader has left, the error must not end the process.
  return rows.on("error", () => undefined);
}

/** Reads rows for their digest alone. */
export async function digestOf(
  client: Client,
  query: string,
  digest = new Digest(),
  sign: 1 | -1 = 1,
  onRows?: (rows: number) => void,
): Promise<Digest> {
  await pipeline(printed(client, query), new Digesting(digest, sign, onRows), async (lines) => {
    for await (const _line of lines) void _line;
  });
  return digest;
}

/** An error of a session, as a sentence, with what it was at the source or at the target. What is not one stays as it is. */
export function explainLoss(error: unknown, attempt: Attempt): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const { code, source } = error as { readonly code?: string; readonly source?: string | null };
  if (code === undefined && !isTransient(error)) return error;
  if (typeof source === "string") return new ProvisioningError(`${source}: ${shown(error.message)}; run this again`);
  return explain(error, attempt);
}

/** How a person names another database. */
export interface PostgresPlace {
  readonly server: Server;
  readonly credential: Credential;
  readonly database: string;
}

/**
 * Opens another PostgreSQL, in one snapshot that nobody's changes reach. It takes the right to read, nothing else.
 *
 * @throws ProvisioningError if it cannot be entered.
 */
export async function openPostgres({ server, credential, database }: PostgresPlace): Promise<Source> {
  const at = `${server.host}:${server.port}`;
  const title = `database ${database} on ${at}`;
  const client = await openForCopy(server, credential, database).catch((error: unknown) => {
    throw toSentence(error, { server, credential, database }, at);
  });
  try {
    return await toSource(client, title);
  } catch (error) {
    await close(client);
    throw explain(error, { ...server, username: credential.username, database });
  }
}

function toSentence(error: unknown, { server, credential, database }: PostgresPlace, at: string): Error {
  const code = (error as { readonly code?: string }).code;
  // The driver rejects an empty one by itself.
  if (isWrongPassword(error) || (error as Error).message?.includes("client password must be"))
    return new ProvisioningError(`${at} rejects the password of ${credential.username}; put the correct one into IMPORT_PASSWORD`);
  if (code === "3D000") return new ProvisioningError(`${at} has no database ${database}; correct --from`);
  const found = explain(error, { ...server, username: credential.username, database });
  if (found.message.includes("offers no TLS"))
    return new ProvisioningError(`${at} offers no TLS; turn ssl on, or write sslmode=disable if nobody can listen on the way`);
  return found;
}

/** Major version whose catalog has everything that is read here. */
const OLDEST = 12;

/** Sessions of others; without rights, these columns are all that one sees of them. */
const SESSIONS =
  "select count(*)::int as sessions from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and usename is not null";
const SEQUENCES = `select c.relname as name from pg_sequence q join pg_class c on c.oid = q.seqrelid
  where c.relnamespace = to_regnamespace('public') and not has_sequence_privilege(q.seqrelid, 'SELECT') order by 1`;
const BESIDES = `select (select count(*)::int from pg_largeobject_metadata) as objects, pg_database_size(current_database())::text as bytes,
  array(select n.nspname::text from pg_namespace n where exists (select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p'))
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public') order by 1) as schemas`;

async function toSource(client: Client, title: string): Promise<Source> {
  const {
    rows: [server],
  } = await client.query<{ version: number }>("select current_setting('server_version_num')::int as version");
  const major = Math.floor((server?.version ?? 0) / 10_000);
  if (major < OLDEST)
    throw new ProvisioningError(`${title}: must be PostgreSQL ${OLDEST} or newer, got ${major}; upgrade a copy of it first`);
  const sessions = await client.query<{ sessions: number }>(SESSIONS);
  await client.query("begin isolation level repeatable read read only");
  const found = await readTables(client);
  const sequences = await client.query<{ name: string }>(SEQUENCES);
  const unreadable = [...[...found.values()].filter(({ readable }) => !readable), ...sequences.rows].map(({ name }) => name);
  const readable = [...found.values()].filter((table) => table.readable);
  const counts = await countRows(client, readable);
  const { rows } = await client.query<{ objects: number; bytes: string; schemas: string[] }>(BESIDES);
  const snapshot = await snapshotOf(client);
  const { objects = 0, bytes = "0", schemas = [] } = rows[0] ?? {};
  const open = sessions.rows[0]?.sessions ?? 0;
  const read = (table: Pick<Table, "name" | "partitioned">, columns: readonly Column[]) =>
    `select ${listOf(columns)} from ${rowsOf(found.get(table.name) ?? table)}`;
  const tables = new Map(
    readable.map(({ name, columns }): [string, SourceTable] => [name, { name, columns, rows: counts.get(name) ?? 0 }]),
  );
  return {
    title,
    kind: "postgresql",
    bytes: Number(bytes),
    problems: unreadable.length === 0 ? [] : [`${title}: this login may not read ${shown(unreadable.join(", "))}; grant it SELECT on them`],
    sessions: open,
    notes: [
      ...(schemas.length === 0 ? [] : [`${title}: only schema public is imported; left behind: ${shown(schemas.join(", "))}`]),
      ...(objects === 0 ? [] : [`${title}: ${objects} large objects are left behind`]),
    ],
    tables,
    renumbered: new Map(),
    revision: async ({ table, newest }) => {
      if (!tables.has(table)) return null;
      const answer = await client.query<{ revision: string | null }>(`select (${newest})::text as revision from ${nameOf(table)}`);
      const revision = answer.rows[0]?.revision ?? null;
      return revision === null ? null : shown(revision);
    },
    read: ({ table, columns }) => {
      const rows = printed(client, read(table, columns));
      return rows.on("error", (error) => Object.assign(error, { source: "source" in error ? error.source : title }));
    },
    position: ({ name }) => positionOf(client, name),
    // Nothing shows that a table was not written; so if anything was, all are read again.
    hasChanged: async (sent) => {
      await client.query("commit");
      await client.query("begin isolation level repeatable read read only");
      if ((await snapshotOf(client)) === snapshot) return false;
      for (const { table, columns, digest } of sent) if (String(await digestOf(client, read(table, columns))) !== digest) return true;
      return false;
    },
    close: () => close(client),
  };
}

/** It moves with each transaction that writes anything, in any database of the server. */
async function snapshotOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ snapshot: string }>("select txid_current_snapshot()::text as snapshot");
  return rows[0]?.snapshot ?? "";
}

async function positionOf(client: Client, name: string): Promise<Position | null> {
  const { rows } = await client.query<{ readable: boolean | null }>(
    "select has_sequence_privilege(c.oid, 'SELECT') as readable from pg_class c where c.relkind = 'S' and c.relnamespace = to_regnamespace('public') and c.relname = $1",
    [name],
  );
  if (rows[0]?.readable !== true) return null;
  const answer = await client.query<Position>(`select last_value::text as last, is_called as "isCalled" from ${nameOf(name)}`);
  return answer.rows[0] ?? null;
}
