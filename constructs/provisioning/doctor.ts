import pg from "pg";
import type { InstanceSettings } from "../model/instance";
import { findParameter, toPlainValue } from "../model/parameters";
import type { Tenant } from "../model/spec";
import type { Scope, ServerAccess } from "./access";
import type { Check } from "./check";
import { type Client, certificateEnd, close, dialled, open, persist, type Server, withClient } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { explain, isLoginFull } from "./errors";
import { withLock } from "./lock";
import { type Observed, observe } from "./observe";
import { findProblem, lookAround } from "./ownership";
import { plan } from "./plan";

import { checkRevisions } from "./revision";
import type { Versions } from "./secret-store";
import { readVersions, storedLogins } from "./versions";

/** Days before a certificate's end at which it is reported. */
const CERTIFICATE_NOTICE_DAYS = 30;
const DAY = 86_400_000;
/** Platforms that are looked at at once: each takes one of the reserved connections where the others are in use. */
const AT_ONCE = 2;

/**
 * Connects as the platforms do and says what is wrong. It changes nothing: the table it creates is rolled back.
 *
 * @param strangerCa PEM text of a CA that did not sign the server's certificate, to see that clients would notice.
 * @throws ProvisioningError where the server cannot be looked at, at all.
 */
export async function diagnose(instanceName: string, scope: Scope, access: ServerAccess, strangerCa: string): Promise<readonly Check[]> {
  const { server, master, patience } = access;
  // Nobody rotates meanwhile: a password that was read would be an old one when it is tried.
  const look = (client: Client) => diagnoseLocked(client, instanceName, scope, access, strangerCa);
  return persist(server, master, "postgres", patience, () => withLock(access, look, true));
}

async function diagnoseLocked(
  client: Client,
  instanceName: string,
  scope: Scope,
  access: ServerAccess,
  strangerCa: string,
): Promise<readonly Check[]> {
  const { master, store } = access;
  const tenants = Object.entries(scope.instance.tenants);
  const versions = new Map<string, Versions | null>();
  for (const [name, tenant] of tenants) {
    versions.set(name, await readVersions(tenant, store));
  }
  const look = await lookAt(client, scope);
  const credential = tenants.map(([name]) => versions.get(name)?.current).find((each) => each !== undefined) ?? master;
  const checks = [
    ...(await diagnoseServer(instanceName, scope, access, credential, strangerCa, look)),
    ...diagnoseDrift(scope, look.observed, versions, access.provision),
  ];
  for (let first = 0; first < tenants.length; first += AT_ONCE) {
    const some = tenants.slice(first, first + AT_ONCE).map(([name, tenant], index) => {
      const neighbour = tenants[(first + index + 1) % tenants.length]?.[1];
      return diagnoseTenant(name, tenant, versions.get(name) ?? null, neighbour === tenant ? undefined : neighbour, access, look);
    });
    checks.push(...(await Promise.all(some)).flat());
  }
  return checks;
}

interface Look {
  readonly observed: Observed;
  readonly maxConnections: number;
  /** Values in effect of parameters that change only with a restart, by name. */
  readonly staticParameters: ReadonlyMap<string, string>;
  /** Sessions by login. */
  readonly sessions: ReadonlyMap<string, number>;
  /** Databases that an owner has, whether planned or made by its platform. */
  readonly foundDatabases: ReadonlyMap<string, readonly string[]>;
  /** Foreign roles that may connect, by database. */
  readonly visitors: ReadonlyMap<string, readonly string[]>;
  /** End of the server's certificate; null through a proxy. */
  readonly certificateEnd: Date | null;
}

async function lookAt(client: Client, { instance }: Scope): Promise<Look> {
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
    [tenants.flatMap((tenant) => tenant.databases.map((database) => database.name)), owners],
  );
  return {
    observed,
    maxConnections: Number(staticParameters.get("max_connections")),
    staticParameters,
    sessions: new Map(sessions.rows.map((row) => [row.login, row.count])),
    foundDatabases: new Map(found.rows.map((row) => [row.owner, row.names])),
    visitors: new Map(visitors.rows.map((row) => [row.database, row.roles])),
    certificateEnd: certificateEnd(client),
  };
}

async function diagnoseServer(
  name: string,
  { instance }: Scope,
  { server, restart }: ServerAccess,
  credential: Credential,
  strangerCa: string,
  look: Look,
): Promise<readonly Check[]> {
  const subject = `instance ${name}`;
  const missing = instance.maxConnections - look.maxConnections;
  const command = restart == null ? "restart the server" : `restart the server with ${restart}`;
  const connections: Check = {
    subject,
    promise: `allows ${instance.maxConnections} connections`,
    problem:
      missing <= 0
        ? null
        : `max_connections is ${look.maxConnections}, the budget counts on ${instance.maxConnections}; set it if it is not, and ${command}`,
  };
  const waiting = waitingParameters(instance.settings, look.staticParameters);
  const parameters: Check = {
    subject,
    promise: "parameters that need a restart are in effect",
    problem: waiting.length === 0 ? null : `${waiting.join(", ")}; ${command}`,
  };
  const { version } = look.observed.server;
  const major = Math.floor(version / 10_000);
  const expected = instance.settings.majorVersion;
  const isExpected: Check = {
    subject,
    promise: `is PostgreSQL ${expected}`,
    problem: major === expected ? null : `it is PostgreSQL ${major}; set majorVersion to ${major}, or upgrade the server`,
  };
  if (server.tls.mode === "proxy") return [isExpected, connections, parameters];
  return [
    isExpected,
    connections,
    parameters,
    await refusesStranger(subject, server, credential, strangerCa),
    ...(look.certificateEnd === null ? [] : [certificateLasts(subject, look.certificateEnd)]),
  ];
}

/**
 * Parameters of the spec that the server has not started with yet. Formulas of RDS and the hosts' own parameters (`rds.`, `cloudsql.`)
 * are not compared. A host may have added entries to a list.
 *
 * @param inEffect values of static parameters by name, as `pg_settings` shows them.
 */
export function waitingParameters(
  { parameters, majorVersion }: InstanceSettings,
  inEffect: ReadonlyMap<string, string>,
): readonly string[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const parameter = findParameter(name, majorVersion);
    const expected = parameter === null ? null : toPlainValue(parameter, value);
    const found = inEffect.get(name.toLowerCase());
    // max_connections is compared with the budget, in another check.
    if (expected === null || found === undefined || name === "max_connections" || contains(found, expected)) return [];
    return [`${name} is ${found}, the spec says ${expected}`];
  });
}

const contains = (found: string, expected: string): boolean => {
  const [had, wanted] = [found, expected].map((text) => text.split(",").map((word) => word.trim()));
  return wanted?.every((word) => had?.includes(word)) ?? false;
};

/** With a password of nobody's: who listens in between, or a server that asks for it in clear, must not learn a real one. */
async function refusesPlainText(subject: string, server: Server, username: string, database: string): Promise<Check> {
  const promise = `refuses plain text to ${database}`;
  const nobody = { username, password: generatePassword() };
  const allowed = "a login without TLS was let in; allow only hostssl in pg_hba.conf, or require TLS (rds.force_ssl, ENCRYPTED_ONLY)";
  try {
    await close(await open({ ...server, tls: { mode: "proxy" } }, nobody, database));
    return { subject, promise, problem: allowed };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // PostgreSQL looks for an entry of pg_hba.conf first, and says that there is none without encryption.
    if (code === "28000" && message.includes("no encryption")) return { subject, promise, problem: null };
    if (code === "28P01") return { subject, promise, problem: allowed };
    return { subject, promise, problem: `could not be seen: ${explain(error, attemptOf(server, nobody, database)).message}` };
  }
}

async function refusesStranger(subject: string, server: Server, credential: Credential, strangerCa: string): Promise<Check> {
  const promise = "its certificate is checked against the CA";
  if (server.tls.mode === "proxy") return { subject, promise, problem: null };
  try {
    const nobody = { ...credential, password: generatePassword() };
    await close(await open({ ...server, tls: { ...server.tls, ca: strangerCa } }, nobody, "postgres"));
    return { subject, promise, problem: "a CA that did not sign it was accepted; report this as a defect" };
  } catch (error) {
    const { code = "" } = error as { code?: string };
    const untrusted = /SELF_SIGNED|UNABLE_TO|CERT_SIGNATURE/.test(code) || code === "CERT_HAS_EXPIRED";
    return {
      subject,
      promise,
      problem: untrusted ? null : `could not be seen: ${explain(error, attemptOf(server, credential, "postgres")).message}`,
    };
  }
}

const attemptOf = (server: Server, { username }: Credential, database: string) => ({ ...dialled(server), username, database });

function certificateLasts(subject: string, end: Date): Check {
  const days = Math.floor((end.getTime() - Date.now()) / DAY);
  return {
    subject,
    promise: `its certificate lasts ${CERTIFICATE_NOTICE_DAYS} days`,
    problem: days >= CERTIFICATE_NOTICE_DAYS ? null : `it expires in ${days} days (${end.toISOString().slice(0, 10)}); renew it`,
  };
}

/** What provisioning would change is what has drifted; and what it never takes away. */
function diagnoseDrift(
  { environment, instance }: Scope,
  observed: Observed,
  versions: ReadonlyMap<string, Versions | null>,
  provision: string,
): readonly Check[] {
  return Object.entries(instance.tenants).flatMap(([subject, tenant]) => {
    const desired = { ...tenant, storedLogins: storedLogins(tenant, versions.get(subject) ?? null) };
    const { steps, problems } = plan(environment, [desired], observed);
    const own = [tenant.owner, ...tenant.logins.map((login) => login.name), observed.server.master];
    const its = own.slice(0, 3);
    const foreign = observed.memberships.filter(
      ({ role, member }) => its.includes(role) !== its.includes(member) && member !== observed.server.master,
    );
    const found = [
      ...problems,
      ...steps.map(({ why }) => `${why}; ${provision}`),
      ...foreign.map(
        ({ role, member }) =>
          `${member} is a member of ${role}; if nobody needs it: REVOKE ${pg.escapeIdentifier(role)} FROM ${pg.escapeIdentifier(member)}`,
      ),
    ];
    const promise = "roles, grants and settings are as planned";
    return (found.length === 0 ? [null] : found).map((problem): Check => ({ subject, promise, problem }));
  });
}

async function diagnoseTenant(
  subject: string,
  tenant: Tenant,
  versions: Versions | null,
  neighbour: Tenant | undefined,
  access: ServerAccess,
  look: Look,
): Promise<readonly Check[]> {
  const { server, provision } = access;
  if (versions === null) return [{ subject, promise: "has a password", problem: `its secret is empty; ${provision}` }];
  const names = [...tenant.databases.map((database) => database.name), ...(look.foundDatabases.get(tenant.owner) ?? [])];
  const checks: Check[] = [...new Set(names)].map((name) => keepsStrangersOut(subject, tenant, name, look, provision));
  for (const { name } of tenant.logins) {
    const sessions = storedLogins(tenant, versions).includes(name) ? 0 : (look.sessions.get(name) ?? 0);
    if (sessions > 0)
      checks.push({
        subject,
        promise: `${name} has no sessions`,
        problem: `it was revoked, and has ${sessions} sessions; ${provision}`,
      });
  }
  if (server.tls.mode !== "proxy") {
    for (const { name } of tenant.databases) checks.push(await refusesPlainText(subject, server, versions.current.username, name));
  }
  for (const credential of [versions.current, versions.previous]) {
    if (credential === null) continue;
    for (const database of tenant.databases) checks.push(await worksAsOwner(subject, tenant, credential, database, access));
    const foreign = neighbour?.databases[0]?.name;
    if (foreign !== undefined) checks.push(await staysOut(subject, credential, foreign, access));
    checks.push(withinLimit(subject, tenant, credential, look));
  }
  checks.push(...(await checkRevisions(subject, tenant, versions.current, server)));
  return checks;
}

function keepsStrangersOut(subject: string, tenant: Tenant, database: string, { visitors }: Look, provision: string): Check {
  const own = tenant.logins.map((login) => login.name);
  const foreign = (visitors.get(database) ?? []).filter((role) => !own.includes(role));
  const promise = `only its own logins may connect to ${database}`;
  if (foreign.length === 0) return { subject, promise, problem: null };
  return {
    subject,
    promise,
    problem: `${foreign.slice(0, 3).join(", ")}${foreign.length > 3 ? " and others" : ""} may connect too; take back grants to single roles (REVOKE CONNECT ON DATABASE ${pg.escapeIdentifier(database)} FROM ...), and ${provision}`,
  };
}

/** Logs in, and creates a table as the owner, in a transaction that is rolled back. */
async function worksAsOwner(
  subject: string,
  tenant: Tenant,
  credential: Credential,
  database: Tenant["databases"][number],
  { server, provision }: ServerAccess,
): Promise<Check> {
  const promise = `${credential.username} works as ${tenant.owner} in ${database.name}`;
  try {
    return {
      subject,
      promise,
      problem: await withClient(server, credential, database.name, (client) => tryOwnership(client, tenant, database, provision)),
    };
  } catch (error) {
    // All of its connections are in use: it can log in, and `withinLimit` says how many there are.
    if (isLoginFull(error)) return { subject, promise, problem: null };
    return { subject, promise, problem: explain(error, attemptOf(server, credential, database.name)).message };
  }
}

async function tryOwnership(
  client: Client,
  tenant: Tenant,
  database: Tenant["databases"][number],
  provision: string,
): Promise<string | null> {
  const problem = findProblem(await lookAround(client, tenant), tenant, database, provision);
  if (problem !== null) return problem;
  await client.query("begin");
  await client.query("create table public.platform_postgres_doctor (id int)");
  await client.query("drop table public.platform_postgres_doctor");
  await client.query("rollback");
  return null;
}

async function staysOut(subject: string, credential: Credential, foreign: string, { server, provision }: ServerAccess): Promise<Check> {
  const promise = `${credential.username} cannot enter ${foreign}`;
  try {
    await close(await open(server, credential, foreign));
    return { subject, promise, problem: `it can; ${provision}` };
  } catch (error) {
    const { code } = error as { code?: string };
    // 42501: no right to connect. 3D000: the neighbour's database is missing, which is told there. A login whose connections are all in use is told by `withinLimit`.
    if (code === "42501" || code === "3D000" || isLoginFull(error)) return { subject, promise, problem: null };
    return { subject, promise, problem: explain(error, attemptOf(server, credential, foreign)).message };
  }
}

function withinLimit(subject: string, tenant: Tenant, { username }: Credential, { sessions }: Look): Check {
  const limit = tenant.logins.find((login) => login.name === username)?.connectionLimit ?? 0;
  const used = sessions.get(username) ?? 0;
  const promise = `${username} stays below its ${limit} connections`;
  return { subject, promise, problem: used < limit ? null : `it holds ${used}; enlarge the pool's budget in the spec, or shrink the pool` };
}
