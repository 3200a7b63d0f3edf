import type { ForeignTables } from "../model/platform";
import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import type { Check } from "./check";
import { close, looking, open } from "./connect";
import type { Credential } from "./credential";
import { identifier, shown } from "./shown";

interface Found {
  readonly name: string;
  /** Whether it certainly belongs to another program: a vector store, or a database that the platform has not migrated yet. */
  readonly isCertain: boolean;
}

/** The most tables to report; the rest are left for the next run. */
const MOST = 3;

/** Finds tables of other programs, for a platform that does not start with them. A database that cannot be connected to is reported elsewhere. */
export async function checkForeignTables(
  subject: string,
  { databases }: Pick<Tenant, "databases">,
  credential: Credential,
  { server, patience, foreignTables }: Pick<ServerAccess, "server" | "patience" | "foreignTables">,
): Promise<readonly Check[]> {
  const its = foreignTables?.(subject) ?? null;
  if (its === null) return [];
  const checks: Check[] = [];
  for (const { name } of databases) {
    const client = await open(server, credential, name, looking(patience)).catch(() => null);
    if (client === null) continue;
    const promise = `${name} contains only the platform's tables`;
    const unseen = (error: Error): Check => ({ subject, promise, problem: `could not be checked: ${shown(error.message)}` });
    const check = client
      .query<Found>(FIND, [its.known, its.never, its.marker])
      .then(({ rows }): Check => ({ subject, promise, ...explainTables(rows, its) }));
    checks.push(await check.catch(unseen).finally(() => close(client)));
  }
  return checks;
}

/** The types are pgvector's. */
const FIND = `select c.relname as name,
    c.relname ~ $2 or to_regclass('public.' || quote_ident($3)) is null
      or exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid
                  where a.attrelid = c.oid and not a.attisdropped and t.typname in ('vector', 'halfvec', 'sparsevec')) as "isCertain"
   from pg_class c
  where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p') and c.relname <> all ($1)
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  order by 2 desc, 1 limit ${MOST}`;

function explainTables(found: readonly Found[], { because, remedy }: ForeignTables): Pick<Check, "problem" | "note"> {
  const certain = found.filter((table) => table.isCertain);
  const [first] = certain.length > 0 ? certain : found;
  if (first === undefined) return { problem: null };
  const tables = certain.length > 0 ? certain : found;
  const names = tables.map(({ name }) => shown(name)).join(", ");
  const moves = tables.map(({ name }) => `ALTER TABLE public.${identifier(name)} SET SCHEMA elsewhere`).join("; ");
  const command = `run in that database as its owner: CREATE SCHEMA IF NOT EXISTS elsewhere; ${moves}`;
  if (certain.length > 0) return { problem: `${names}: tables of another program, and ${because}; ${remedy}, and ${command}` };
  return { problem: null, note: `${names}: if another program created them, ${because}; ${remedy}, and ${command}` };
}
