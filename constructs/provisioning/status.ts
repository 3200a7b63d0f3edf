import type { Tenant } from "../model/spec";
import type { Scope, ServerAccess } from "./access";
import { byItself } from "./by-itself";
import { type Client, certificateEnd, looking, persist, withClient } from "./connect";
import { checkRevisions } from "./revision";
import { shown } from "./shown";
import { readVersions } from "./versions";

/** The current state of a server, as its master sees it. */
export interface ServerStatus {
  /** Such as `17.6`. */
  readonly version: string;
  readonly startedAt: Date;
  /** Whether it is a standby, on which nothing can be written. */
  readonly isStandby: boolean;
  /** Bytes of all databases that the master may measure. */
  readonly bytes: number;
  readonly connections: {
    /** `max_connections` in effect. */
    readonly max: number;
    /** Sessions of all clients. */
    readonly used: number;
  };
  /** Read replicas, and other servers that stream from it. The cloud's standbys are not included. */
  readonly replicas: readonly ReplicaStatus[];
  /** End of the server's certificate; null through a proxy. */
  readonly certificateEnd: Date | null;
  /** By platform. */
  readonly platforms: Readonly<Record<string, PlatformStatus>>;
}

export interface ReplicaStatus {
  /** Its own name; its address if it has none. */
  readonly name: string;
  /** `streaming`, `catchup` and so on; null if the master may not see it. */
  readonly state: string | null;
  /** Replay lag in seconds; null if nothing was written for a while, or the master may not see it. */
  readonly lagSeconds: number | null;
}

export interface PlatformStatus {
  readonly connections: {
    /** Sessions of both logins. */
    readonly used: number;
    /** Number of them that run a statement; null if the master may not see that. */
    readonly active: number | null;
    readonly limit: number;
  };
  /** Bytes of its databases; null if one of them is missing, or cannot be measured. */
  readonly bytes: number | null;
  /** The login that its secret names; null while it has none, or if the secret cannot be read. */
  readonly login: string | null;
  /** Since when its secret contains that login and password; null while it has none, or if the store does not know. */
  readonly passwordSince: Date | null;
  /** State of its migrations, a sentence for each database that records it. */
  readonly migrations: readonly string[];
}

/** Inspects a server without changing anything. @throws ProvisioningError if it cannot be inspected. */
export const lookAtStatus = (scope: Scope, access: ServerAccess): Promise<ServerStatus> =>
  persist(access.server, access.master, "postgres", access.patience, () =>
    withClient(access.server, access.master, "postgres", (client) => readStatus(client, scope, access), looking(access.patience)),
  );

async function readStatus(client: Client, { instance }: Scope, access: ServerAccess): Promise<ServerStatus> {
  const { rows } = await client.query<{ version: string; startedAt: Date; isStandby: boolean; max: number; used: number }>(
    `select split_part(current_setting('server_version'), ' ', 1) as version, pg_postmaster_start_time() as "startedAt", pg_is_in_recovery() as "isStandby",
            current_setting('max_connections')::int as max,
            (select count(*)::int from pg_stat_activity where usename is not null and datname is not null and pid <> pg_backend_pid()) as used`,
  );
  const [server] = rows;
  if (server === undefined) throw new TypeError("a server without an answer");
  const { version, startedAt, isStandby, max, used } = server;
  const sizes = await readSizes(client);
  const sessions = await readSessions(client);
  const platforms: Record<string, PlatformStatus> = {};
  for (const [name, tenant] of Object.entries(instance.tenants))
    platforms[name] = {
      connections: countSessions(tenant, sessions),
      bytes: sumOf(tenant.databases.map((database) => sizes.get(database.name) ?? null)),
      ...(await readPlatform(client, name, tenant, access)),
    };
  return {
    version: shown(version),
    startedAt,
    isStandby,
    bytes: sumOf([...sizes.values()].filter((size) => size !== null)) ?? 0,
    connections: { max, used },
    replicas: await readReplicas(client),
    certificateEnd: certificateEnd(client),
    platforms,
  };
}

/** Returns bytes by database; null if the master may not measure it. */
async function readSizes(client: Client): Promise<ReadonlyMap<string, number | null>> {
  const { rows } = await client.query<{ name: string; bytes: string | null }>(
    `select datname as name,
            case when has_database_privilege(oid, 'CONNECT') or pg_has_role('pg_read_all_stats', 'MEMBER') then pg_database_size(oid) end as bytes
       from pg_database where not datistemplate`,
  );
  return new Map(rows.map(({ name, bytes }) => [name, bytes === null ? null : Number(bytes)]));
}

type Sessions = ReadonlyMap<string, { readonly used: number; readonly active: number | null }>;

async function readSessions(client: Client): Promise<Sessions> {
  const { rows } = await client.query<{ login: string; used: number; active: number | null }>(
    `select usename as login, count(*)::int as used,
            case when bool_and(state is not null) then count(*) filter (where state = 'active')::int end as active
       from pg_stat_activity where usename is not null group by 1`,
  );
  return new Map(rows.map(({ login, ...counts }) => [login, counts]));
}

function countSessions({ logins }: Tenant, sessions: Sessions): PlatformStatus["connections"] {
  const its = logins.map(({ name }) => sessions.get(name) ?? { used: 0, active: 0 });
  return {
    used: its.reduce((total, { used }) => total + used, 0),
    active: sumOf(its.map(({ active }) => active)),
    limit: logins[0].connectionLimit,
  };
}

const sumOf = (numbers: readonly (number | null)[]): number | null =>
  numbers.reduce<number | null>((sum, each) => (sum === null || each === null ? null : sum + each), 0);

/** Uses the platform's login, because nobody else may read its databases. */
async function readPlatform(
  client: Client,
  name: string,
  tenant: Tenant,
  access: ServerAccess,
): Promise<Pick<PlatformStatus, "login" | "passwordSince" | "migrations">> {
  const { value: versions } = await byItself(client, () => readVersions(tenant, access.store));
  if (versions == null) return { login: null, passwordSince: null, migrations: [] };
  const { value: checks } = await byItself(client, () => checkRevisions(name, tenant, versions.current, access));
  return {
    login: versions.current.username,
    passwordSince: versions.since ?? null,
    migrations: (checks ?? []).map(({ promise, problem }) => problem ?? promise),
  };
}

async function readReplicas(client: Client): Promise<readonly ReplicaStatus[]> {
  const { rows } = await client.query<{ name: string | null; state: string | null; lag: number | null }>(
    `select coalesce(nullif(application_name, ''), host(client_addr)) as name, state, extract(epoch from replay_lag)::float8 as lag
       from pg_stat_replication order by 1`,
  );
  return rows.map(({ name, state, lag }) => ({ name: shown(name ?? "without a name"), state, lagSeconds: lag }));
}
