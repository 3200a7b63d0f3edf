import type { Scope } from "./access";
import type { Client } from "./connect";
import { certificateEnd } from "./connect";
import { type Observed, observe } from "./observe";

/** The master's view of a server, for all checks. */
export interface Look {
  readonly observed: Observed;
  readonly maxConnections: number;
  /** Values in effect of parameters that change only with a restart, by name. */
  readonly staticParameters: ReadonlyMap<string, string>;
  /** Sessions by login. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Databases by owner, whether planned or created by its platform. */
  readonly foundDatabases: ReadonlyMap<string, readonly string[]>;
  /** Foreign roles that may connect, by database. */
  readonly visitors: ReadonlyMap<string, readonly string[]>;
  /** Collation versions by database, if its indexes were created with a version that is no longer the server's. */
  readonly collations: ReadonlyMap<string, { readonly had: string; readonly has: string }>;
  /** Settings of the server itself that are already reported. */
  readonly reported: readonly string[];
  /** End of the server's certificate; null through a proxy. */
  readonly certificateEnd: Date | null;
}

export async function lookAt(client: Client, { instance }: Scope): Promise<Omit<Look, "reported">> {
  const tenants = Object.values(instance.tenants);
  const observed = await observe(client, tenants);
  const settings = await client.query<{ name: string; setting: string }>(
    "select lower(name) as name, setting from pg_settings where context = 'postmaster'",
  );
  const staticParameters = new Map(settings.rows.map((row) => [row.name, row.setting]));
  const sessions = await client.query<{ login: string; count: number }>(
    "select usename as login, count(*)::int as count from pg_stat_activity where usename is not null group by 1",
  );
  const owners = tenants.map((tenant) => tenant.owner);
  const databases = tenants.flatMap((tenant) => tenant.databases.map((database) => database.name));
  const found = await client.query<{ owner: string; names: string[] }>(
    "select pg_get_userbyid(datdba) as owner, array_agg(datname::text order by datname) as names from pg_database where pg_get_userbyid(datdba) = any($1) group by 1",
    [owners],
  );
  const visitors = await client.query<{ database: string; roles: string[] }>(
    `select d.datname as database, array_agg(r.rolname::text order by r.rolname) as roles
       from pg_database d, pg_roles r
      where (d.datname = any($1) or pg_get_userbyid(d.datdba) = any($2)) and r.rolcanlogin and not r.rolsuper and r.rolname <> current_user
        and has_database_privilege(r.oid, d.oid, 'CONNECT')
      group by 1`,
    [databases, owners],
  );
  const collations = await client.query<{ name: string; had: string; has: string }>(
    `select datname as name, datcollversion as had, pg_database_collation_actual_version(oid) as has from pg_database
      where (datname = any($1) or pg_get_userbyid(datdba) = any($2)) and datcollversion <> pg_database_collation_actual_version(oid)`,
    [databases, owners],
  );
  return {
    observed,
    maxConnections: Number(staticParameters.get("max_connections")),
    staticParameters,
    sessions: new Map(sessions.rows.map((row) => [row.login, row.count])),
    foundDatabases: new Map(found.rows.map((row) => [row.owner, row.names])),
    visitors: new Map(visitors.rows.map((row) => [row.database, row.roles])),
    collations: new Map(collations.rows.map(({ name, ...row }) => [name, row])),
    certificateEnd: certificateEnd(client),
  };
}
