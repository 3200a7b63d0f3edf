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
  readonly extensions: readonly Extension[];
  /** Tables and the like of one other role; null if there are none. */
  readonly foreign: Foreign | null;
}

interface Extension {
  readonly name: string;
  readonly schema: string;
  /** Whether the extension can be moved to another schema. */
  readonly isMovable: boolean;
  /** Whether the owner may use its schema. */
  readonly isReachable: boolean;
  /** Whether the owner may call all that the extension lets everybody call. */
  readonly isCallable: boolean;
}

interface Foreign {
  readonly owner: string;
  /** The first three. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  /** Whether all that the role owns may go to the platform: it may create no roles, and owns no database and no extension. */
  readonly isFormer: boolean;
}

/** Only whom a session works as. */
export const lookAtUser = async (client: Client): Promise<Pick<Surroundings, "user"> | undefined> =>
  (await client.query<{ user: string }>("select current_user as user")).rows[0];

export async function lookAround(client: Client, { owner }: Pick<Tenant, "owner">): Promise<Surroundings | undefined> {
  const { rows } = await client.query<Surroundings>(
    `select current_user as user, (select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = 'public') as create,
            ${EXTENSIONS} as extensions, ${FOREIGN} as foreign`,
    [owner],
  );
  return rows[0];
}

/** Functions that an extension itself keeps from everybody have a row in `pg_init_privs`. */
const EXTENSIONS = `(select coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname, 'isMovable', e.extrelocatable,
    'isReachable', has_schema_privilege(n.oid, 'USAGE'), 'isCallable', not exists (
      select from pg_depend d join pg_proc p on p.oid = d.objid
       where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
         and not has_function_privilege(p.oid, 'EXECUTE')
         and not exists (select from pg_init_privs i where i.classoid = 'pg_proc'::regclass and i.objoid = p.oid)))), '[]')
   from pg_extension e join pg_namespace n on n.oid = e.extnamespace)`;

/** A sequence that belongs to a column follows its table. */
const FOREIGN = `(select json_build_object('owner', r.rolname, 'tables', (array_agg(t.found order by t.schema, t.name))[1:3],
    'isFormer', not (r.rolsuper or r.rolcreaterole)
      and not exists (select from pg_shdepend s where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid and s.deptype = 'o' and s.dbid = 0)
      and not exists (select from pg_extension x where x.extowner = r.oid))
   from (select c.relowner, n.nspname as schema, c.relname as name, json_build_object('schema', n.nspname, 'name', c.relname) as found
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
            and c.relowner <> (select oid from pg_roles where rolname = $1)
            and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                             and (d.deptype = 'e' or c.relkind = 'S' and d.deptype in ('a', 'i')))) t
   join pg_roles r on r.oid = t.relowner group by r.oid, r.rolname, r.rolsuper, r.rolcreaterole order by r.rolname limit 1)`;

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
  const missing = extensions.filter((extension) => !found.extensions.some((each) => each.name === extension));
  if (missing.length > 0) return `extension ${missing.join(", ")} is missing in ${name}; ${provision}`;
  const unusable = found.extensions.filter((each) => extensions.includes(each.name)).map((each) => explainExtension(each, name, owner));
  return unusable.find((problem) => problem !== null) ?? (found.foreign === null ? null : explainForeign(found.foreign, name, owner));
}

/** Schemas whose content needs no schema in front. */
const SEARCHED = ["public", "pg_catalog"];

/** Why a platform cannot use an extension that is there, and the remedy; null if it can. */
function explainExtension({ name, schema, ...its }: Extension, database: string, owner: string): string | null {
  const [id, extension, quoted] = [owner, name, shown(schema)].map((each) => pg.escapeIdentifier(each));
  // Most extensions' functions belong to a superuser, so their owner can drop, but not move them.
  if (its.isMovable && !SEARCHED.includes(schema))
    return `extension ${name} is in schema ${shown(schema)} of ${database}, where the platform does not look; as long as no table uses it (or else this fails), run in it as its owner: DROP EXTENSION ${extension}; CREATE EXTENSION ${extension} SCHEMA public`;
  if (!its.isReachable)
    return `${owner} may not use schema ${shown(schema)} of ${database}, which contains extension ${name}; run in it as an administrator: GRANT USAGE ON SCHEMA ${quoted} TO ${id}`;
  if (its.isCallable) return null;
  return `${owner} may not call functions of extension ${name} in ${database}; run in it as their owner, a superuser: GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${quoted} TO ${id}`;
}

function explainForeign(foreign: Foreign, database: string, owner: string): string {
  const names = foreign.tables.map((table) => `${shown(table.schema)}.${shown(table.name)}`).join(", ");
  const [its, id] = [shown(foreign.owner), owner].map((role) => pg.escapeIdentifier(role));
  const quote = (text: string) => pg.escapeIdentifier(shown(text));
  const each = foreign.tables.map((table) => `ALTER TABLE ${quote(table.schema)}.${quote(table.name)} OWNER TO ${id}`);
  const command = foreign.isFormer ? `GRANT ${its} TO CURRENT_USER; REASSIGN OWNED BY ${its} TO ${id}` : each.join("; ");
  return `${names} in ${database} belong to ${shown(foreign.owner)}; run in it as an administrator: ${command}`;
}

/** Parameters that decide whether and how anybody works in a database. */
const DECISIVE = /^(role|search_path|session_.*|default_transaction_.*|.*_timeout|row_security|standard_conforming_strings)$/;

/** What is wrong with the parameters that a database's owner has set on it for everybody; null if nothing. */
export function findSettings(database: string, { databases }: Pick<Observed, "databases">): string | null {
  const found = (databases[database]?.parameters ?? []).filter(({ name }) => DECISIVE.test(name));
  const [first] = found;
  if (first === undefined) return null;
  const values = found.map(({ name, value }) => `${name} to ${shown(value)}`).join(", ");
  return `${database} sets ${values} for everybody; if nobody needs it: ALTER DATABASE ${pg.escapeIdentifier(database)} RESET ${first.name}`;
}
