import type { Tenant } from "../model/spec";
import type { Client } from "./connect";

/** The most characters to read of a parameter: a login can set values of any length. */
const LONGEST = 1_000;

/** What a PostgreSQL server has of the tenants: read from its catalogs, so that a plan can be computed without it. */
export interface Observed {
  readonly server: ObservedServer;
  readonly roles: Readonly<Record<string, ObservedRole>>;
  readonly memberships: readonly Membership[];
  readonly databases: Readonly<Record<string, ObservedDatabase>>;
  readonly roleParameters: readonly RoleParameter[];
}

export interface ObservedServer {
  /** As `server_version_num`: 170010 is 17.10. */
  readonly version: number;
  readonly master: string;
  /** If a setting makes the master's sessions work as another role, the command that resets it; otherwise null. */
  readonly resetRole: string | null;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  /** Why nothing can be written: it is a standby, or `default_transaction_read_only` is on; null if it is writable. */
  readonly readOnly: "standby" | "setting" | null;
  /** `max_connections` in effect: a change needs a restart. */
  readonly maxConnections: number;
}

export interface ObservedRole {
  readonly canLogin: boolean;
  readonly superuser: boolean;
  readonly createDatabase: boolean;
  readonly createRole: boolean;
  /** Whether it has the rights of the roles that it is a member of. Up to PostgreSQL 15 this belongs to the role. */
  readonly inherits: boolean;
  readonly connectionLimit: number;
  /** When its password expires, `2026-11-30`; null if never. */
  readonly expires: string | null;
  readonly comment: string | null;
}

/** A membership of a tenant's role in another, or of another in a tenant's. */
export interface Membership {
  readonly role: string;
  readonly member: string;
  readonly admin: boolean;
  /** False only since PostgreSQL 16, where a membership may grant neither. */
  readonly inheritAndSet: boolean;
}

export interface ObservedDatabase {
  readonly owner: string;
  /** False if its owner has closed it to everyone. */
  readonly allowsConnections: boolean;
  /** The most connections to it; -1 means no limit, and -2 that a DROP DATABASE was interrupted. */
  readonly connectionLimit: number;
  /** Parameters that its owner has set on it, for everyone who connects to it. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[];
  /** Privileges by grantee; PUBLIC is the empty name. */
  readonly grants: readonly { readonly grantee: string; readonly privilege: string }[];
}

export interface RoleParameter {
  readonly role: string;
  readonly database: string;
  /** In lower case: PostgreSQL ignores it, and stores some as `TimeZone`. */
  readonly name: string;
  readonly value: string;
}

/** Resets the setting in effect: a role's in a database wins over a role's, which wins over a database's. */
const RESET_ROLE = `(select 'ALTER ' || case when s.setrole = 0 and s.setdatabase = 0 then 'ROLE ALL' when s.setrole = 0 then format('DATABASE %I', current_database())
       else format('ROLE %I', session_user) || case when s.setdatabase = 0 then '' else format(' IN DATABASE %I', current_database()) end end || ' RESET role'
   from pg_db_role_setting s, unnest(s.setconfig) c
  where c ~ '^role=' and (s.setrole = 0 or pg_get_userbyid(s.setrole) = session_user)
    and (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
  order by s.setrole = 0, s.setdatabase = 0 limit 1)`;

export async function observeServer(client: Client): Promise<ObservedServer> {
  const { rows } = await client.query<ObservedServer>(
    `select current_setting('server_version_num')::int as version, current_user as master, rolsuper as superuser,
            case when current_user <> session_user then ${RESET_ROLE} end as "resetRole", rolcreaterole as "createRole", rolcreatedb as "createDatabase",
            case when pg_is_in_recovery() then 'standby' when current_setting('default_transaction_read_only')::bool then 'setting' end as "readOnly",
            current_setting('max_connections')::int as "maxConnections"
       from pg_roles where rolname = current_user`,
  );
  const [server] = rows;
  if (server === undefined) throw new TypeError("a session without a role");
  return server;
}

/** Reads everything about the given tenants, in five queries for any number of them. */
export async function observe(client: Client, tenants: readonly Tenant[]): Promise<Observed> {
  const server = await observeServer(client);
  const roleNames = tenants.flatMap(({ owner, logins }) => [owner, ...logins.map((login) => login.name)]);
  const databaseNames = tenants.flatMap(({ databases }) => databases.map((database) => database.name));

  const roles = await client.query<ObservedRole & { name: string }>(
    `select rolname as name, rolcanlogin as "canLogin", rolsuper or rolreplication or rolbypassrls as superuser, rolcreatedb as "createDatabase",
            rolcreaterole as "createRole", rolinherit as inherits, rolconnlimit as "connectionLimit",
            case when isfinite(rolvaliduntil) then to_char(rolvaliduntil, 'YYYY-MM-DD') end as expires, shobj_description(oid, 'pg_authid') as comment
       from pg_roles where rolname = any($1)`,
    [roleNames],
  );
  const memberships = await client.query<Membership>(
    `select r.rolname as role, m.rolname as member, bool_or(a.admin_option) as admin,
            bool_or(coalesce((to_jsonb(a)->>'inherit_option')::bool, true) and coalesce((to_jsonb(a)->>'set_option')::bool, true)) as "inheritAndSet"
       from pg_auth_members a join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member
      where r.rolname = any($1) or m.rolname = any($1) group by 1, 2 order by 1, 2`,
    [roleNames],
  );
  const databases = await client.query<ObservedDatabase & { name: string }>(
    `select d.datname as name, o.rolname as owner, d.datallowconn as "allowsConnections", d.datconnlimit as "connectionLimit",
            (select coalesce(json_agg(json_build_object('name', lower(split_part(c, '=', 1)), 'value', left(substr(c, strpos(c, '=') + 1), 100))), '[]')
               from pg_db_role_setting s, unnest(s.setconfig) c where s.setdatabase = d.oid and s.setrole = 0) as parameters,
            (select coalesce(json_agg(json_build_object('grantee', coalesce(g.rolname, ''), 'privilege', x.privilege_type)), '[]')
               from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x left join pg_roles g on g.oid = x.grantee) as grants
       from pg_database d join pg_roles o on o.oid = d.datdba where d.datname = any($1)`,
    [databaseNames],
  );
  const parameters = await client.query<RoleParameter>(
    `select r.rolname as role, coalesce(d.datname, '') as database, lower(split_part(c, '=', 1)) as name, left(substr(c, strpos(c, '=') + 1), ${LONGEST}) as value
       from pg_db_role_setting s join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) c
      where r.rolname = any($1)`,
    [roleNames],
  );
  return {
    server,
    roles: byName(roles.rows),
    memberships: memberships.rows,
    databases: byName(databases.rows),
    roleParameters: parameters.rows,
  };
}

/** Without a prototype, because a role may be named `constructor`. */
function byName<T extends { name: string }>(rows: readonly T[]): Readonly<Record<string, Omit<T, "name">>> {
  const result: Record<string, Omit<T, "name">> = Object.create(null);
  for (const { name, ...rest } of rows) result[name] = rest;
  return result;
}
