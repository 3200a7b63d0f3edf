import type { Tenant } from "../model/spec";
import type { Client } from "./connect";
import type { Observed } from "./observe";
import { identifier, shown } from "./shown";

/** What a platform's login finds in one of its databases. */
export interface Surroundings {
  readonly user: string;
  /** Whether the login may create tables in schema `public`; null if there is no such schema. */
  readonly create: boolean | null;
  readonly extensions: readonly Extension[];
  /** Tables of one other role, and its types and functions in schema `public`; null if there are none. */
  readonly foreign: Foreign | null;
}

interface Extension {
  readonly name: string;
  readonly schema: string;
  /** Whether the extension can be moved to another schema. */
  readonly isMovable: boolean;
  /** Whether the owner may use its schema. */
  readonly isReachable: boolean;
  /** Whether the owner may call all functions that the extension grants to everyone. */
  readonly isCallable: boolean;
}

interface Foreign {
  readonly owner: string;
  /** The first three. `kind` is the word of ALTER; `arguments` are a function's. */
  readonly objects: readonly { readonly kind: string; readonly schema: string; readonly name: string; readonly arguments: string }[];
  /** Whether everything that the role owns may be given to the platform: it may not create roles, and owns no database and no extension. */
  readonly isFormer: boolean;
}

/** Returns only the role that a session works as. */
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

/** Returns the extensions that provisioning creates in a database: none if their schema `public` is missing. */
export const missingExtensions = (found: Surroundings, { extensions }: Tenant["databases"][number]): readonly string[] =>
  found.create === null ? [] : extensions.filter((extension) => !found.extensions.some(({ name }) => name === extension));

/** Returns the surroundings after extensions are created. */
export const withExtensions = (found: Surroundings, created: readonly string[]): Surroundings => ({
  ...found,
  extensions: [
    ...found.extensions,
    ...created.map((name) => ({ name, schema: "public", isMovable: true, isReachable: true, isCallable: true })),
  ],
});

/** Functions that an extension itself does not grant to everyone have a row in `pg_init_privs`. */
const EXTENSIONS = `(select coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname, 'isMovable', e.extrelocatable,
    'isReachable', has_schema_privilege(n.oid, 'USAGE'), 'isCallable', not exists (
      select from pg_depend d join pg_proc p on p.oid = d.objid
       where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
         and not has_function_privilege(p.oid, 'EXECUTE')
         and not exists (select from pg_init_privs i where i.classoid = 'pg_proc'::regclass and i.objoid = p.oid)))), '[]')
   from pg_extension e join pg_namespace n on n.oid = e.extnamespace)`;

const PUBLIC = "(select oid from pg_namespace where nspname = 'public')";

/** A column's sequence follows its table. PostgreSQL's thousands of own functions are skipped. */
const FOREIGN = `(select json_build_object('owner', r.rolname, 'objects', (array_agg(t.found order by t.schema, t.name))[1:3],
    'isFormer', not (r.rolsuper or r.rolcreaterole)
      and not exists (select from pg_shdepend s where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid and s.deptype = 'o' and s.dbid = 0)
      and not exists (select from pg_extension x where x.extowner = r.oid))
   from (select o.owner, n.nspname as schema, o.name,
                json_build_object('kind', o.kind, 'schema', n.nspname, 'name', o.name, 'arguments', o.arguments) as found
           from (select 'pg_class'::regclass as class, oid, relowner as owner, relnamespace as namespace, relname::text as name, 'TABLE' as kind, '' as arguments
                   from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
                 union all select 'pg_type'::regclass, oid, typowner, typnamespace, typname::text, 'TYPE', ''
                   from pg_type where typtype in ('e', 'd', 'r') and typnamespace = ${PUBLIC}
                 union all select 'pg_proc'::regclass, oid, proowner, pronamespace, proname::text, 'ROUTINE', pg_get_function_identity_arguments(oid)
                   from pg_proc where pronamespace = ${PUBLIC}) o
           join pg_namespace n on n.oid = o.namespace
          where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and o.owner <> (select oid from pg_roles where rolname = $1)
            and not exists (select from pg_depend d where d.classid = o.class and d.objid = o.oid
                             and (d.deptype = 'e' or o.class = 'pg_class'::regclass and d.deptype in ('a', 'i')))) t
   join pg_roles r on r.oid = t.owner group by r.oid, r.rolname, r.rolsuper, r.rolcreaterole order by r.rolname limit 1)`;

/** Returns the sentence about a session that does not act as the owner although its login sets that. */
export const sayAstray = (login: string, user: string | undefined, database: string, { owner }: Pick<Tenant, "owner">): string =>
  `${login} acts as ${user} in database ${database}, not as ${owner}; update PostgreSQL to the next minor version`;

/** Returns the problem in what a login found, with its remedy; null if there is none. */
export function findProblem(
  found: Surroundings | undefined,
  { owner }: Pick<Tenant, "owner">,
  { name, extensions }: Tenant["databases"][number],
  provision: string,
): string | null {
  if (found?.user !== owner) return `it acts as ${found?.user}; ${provision}`;
  const id = identifier(owner);
  if (found.create === null)
    return `schema public and its contents are missing in database ${name}; restore the database, or run in it as an administrator: CREATE SCHEMA public AUTHORIZATION ${id}`;
  if (!found.create) return `${owner} may not create tables in schema public; run as an administrator: GRANT ALL ON SCHEMA public TO ${id}`;
  const missing = extensions.filter((extension) => !found.extensions.some((each) => each.name === extension));
  if (missing.length > 0) return `extension ${missing.join(", ")} is missing in ${name}; ${provision}`;
  const unusable = found.extensions.filter((each) => extensions.includes(each.name)).map((each) => explainExtension(each, name, owner));
  return unusable.find((problem) => problem !== null) ?? (found.foreign === null ? null : explainForeign(found.foreign, name, owner));
}

/** Schemas whose objects need no schema name. */
const SEARCHED = ["public", "pg_catalog"];

/** Returns why a platform cannot use an existing extension, with the remedy; null if it can. */
function explainExtension({ name, schema, ...its }: Extension, database: string, owner: string): string | null {
  const [id, extension, quoted] = [owner, name, schema].map(identifier);
  // Most extensions' functions belong to a superuser, so their owner can drop, but not move them.
  if (its.isMovable && !SEARCHED.includes(schema))
    return `extension ${name} is in schema ${shown(schema)} of ${database}, where the platform does not look; if no table uses it (otherwise this fails), run in that database as its owner: DROP EXTENSION ${extension}; CREATE EXTENSION ${extension} SCHEMA public`;
  if (!its.isReachable)
    return `${owner} may not use schema ${shown(schema)} of ${database}, which contains extension ${name}; run in that database as an administrator: GRANT USAGE ON SCHEMA ${quoted} TO ${id}`;
  if (its.isCallable) return null;
  return `${owner} may not call functions of extension ${name} in ${database}; run in that database as their owner, a superuser: GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${quoted} TO ${id}`;
}

function explainForeign(foreign: Foreign, database: string, owner: string): string {
  const { objects } = foreign;
  const names = objects.map(({ schema, name }) => `${shown(schema)}.${shown(name)}`).join(", ");
  const [its, id] = [foreign.owner, owner].map(identifier);
  const each = objects.map((its) => {
    const name = `${identifier(its.schema)}.${identifier(its.name)}`;
    return `ALTER ${its.kind} ${name}${its.kind === "ROUTINE" ? `(${shown(its.arguments)})` : ""} OWNER TO ${id}`;
  });
  const command = foreign.isFormer ? `GRANT ${its} TO CURRENT_USER; REASSIGN OWNED BY ${its} TO ${id}` : each.join("; ");
  return `${names} in ${database} belong to ${shown(foreign.owner)}; run in that database as an administrator: ${command}`;
}

/** Parameters that decide whether and how sessions work in a database. */
const DECISIVE =
  /^(role|search_path|session_.*|default_transaction_.*|.*_timeout|row_security|standard_conforming_strings|client_encoding|datestyle|extra_float_digits|temp_file_limit)$/;

/** Returns the problem with the parameters that a database's owner has set on it for everyone; null if there is none. */
export function findSettings(database: string, { databases }: Pick<Observed, "databases">): string | null {
  const found = (databases[database]?.parameters ?? []).filter(({ name }) => DECISIVE.test(name));
  if (found.length === 0) return null;
  const values = found.map(({ name, value }) => `${name} to ${shown(value)}`).join(", ");
  const resets = found.map(({ name }) => `ALTER DATABASE ${identifier(database)} RESET ${name}`).join("; ");
  return `${database} sets ${values} for everybody; if nobody needs it: ${resets}`;
}
