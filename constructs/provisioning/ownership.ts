import pg from "pg";
import type { Tenant } from "../model/spec";
import type { Client } from "./connect";
import type { Observed } from "./observe";
import { shown } from "./shown";

/** What a platform's login finds in one of its databases. */
export interface Surroundings {
  readonly user: string;
  /** Whether the login may create tables in schema `public`; null if there is no such schema. */
  readonly create: boolean | null;
  readonly extensions: readonly string[];
  /** Tables and the like that belong to another role, the first three. */
  readonly foreign: readonly string[];
}

/** Only whom a session works as. */
export const lookAtUser = async (client: Client): Promise<Pick<Surroundings, "user"> | undefined> =>
  (await client.query<{ user: string }>("select current_user as user")).rows[0];

export async function lookAround(client: Client, { owner }: Pick<Tenant, "owner">): Promise<Surroundings | undefined> {
  const { rows } = await client.query<Surroundings>(
    `select current_user as user, (select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = 'public') as create,
            array(select extname::text from pg_extension) as extensions,
            array(select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                     and c.relowner <> (select oid from pg_roles where rolname = $1)
                     and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1 limit 3) as foreign`,
    [owner],
  );
  return rows[0];
}

/** What is wrong with what a login found, and its remedy; null if nothing. */
export function findProblem(
  found: Surroundings | undefined,
  { owner }: Pick<Tenant, "owner">,
  { name, extensions }: Tenant["databases"][number],
  provision: string,
): string | null {
  if (found?.user !== owner) return `it acts as ${found?.user}; ${provision}`;
  const id = pg.escapeIdentifier(owner);
  if (found.create === null)
    return `schema public is missing in database ${name}, and what was in it; restore the database, or run in it as an administrator: CREATE SCHEMA public AUTHORIZATION ${id}`;
  if (!found.create) return `${owner} may not create tables in schema public; run as an administrator: GRANT ALL ON SCHEMA public TO ${id}`;
  const missing = extensions.filter((extension) => !found.extensions.includes(extension));
  if (missing.length > 0) return `extension ${missing.join(", ")} is missing in ${name}; ${provision}`;
  if (found.foreign.length > 0)
    return `${found.foreign.map(shown).join(", ")} in ${name} belong to another role; run: ALTER TABLE ... OWNER TO ${id}`;
  return null;
}

/** Parameters that decide whether and how anybody works in a database. */
const DECISIVE = /^(role|search_path|session_.*|default_transaction_.*|.*_timeout|row_security)$/;

/** What is wrong with the parameters that a database's owner has set on it for everybody; null if nothing. */
export function findSettings(database: string, { databases }: Pick<Observed, "databases">): string | null {
  const found = (databases[database]?.parameters ?? []).filter(({ name }) => DECISIVE.test(name));
  const [first] = found;
  if (first === undefined) return null;
  const values = found.map(({ name, value }) => `${name} to ${shown(value)}`).join(", ");
  return `${database} sets ${values} for everybody; if nobody needs it: ALTER DATABASE ${pg.escapeIdentifier(database)} RESET ${first.name}`;
}
