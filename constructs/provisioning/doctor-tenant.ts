import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import type { Check } from "./check";
import { type Client, close, likeDriver, looking, open, type Server, withClient, within } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { checkContent } from "./doctor-content";
import { attemptOf } from "./doctor-server";
import { explain, isLoginFull } from "./errors";
import { checkForeignTables } from "./foreign-tables";
import type { Look } from "./look";
import { findProblem, findSettings, lookAround } from "./ownership";
import { checkRevisions } from "./revision";
import type { Versions } from "./secret-store";
import { tryLikeDriver } from "./settings";
import { identifier, shown } from "./shown";
import { storedLogins, workingCredentials } from "./versions";

export async function diagnoseTenant(
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
  const checks: Check[] = [...new Set(names)].flatMap((name) => [
    keepsStrangersOut(subject, tenant, name, look, provision),
    sortsAsBefore(subject, name, look),
  ]);
  for (const { name } of tenant.logins) {
    const sessions = storedLogins(tenant, versions).includes(name) ? 0 : (look.sessions.get(name) ?? 0);
    if (sessions > 0)
      checks.push({
        subject,
        promise: `${name} has no sessions`,
        problem: `it was revoked, but has ${sessions} sessions; ${provision}`,
      });
  }
  if (server.tls.mode !== "proxy") {
    for (const { name } of tenant.databases) checks.push(await refusesPlainText(subject, server, versions.current.username, name));
  }
  for (const credential of workingCredentials(versions)) {
    for (const database of tenant.databases) checks.push(...(await worksAsOwner(subject, tenant, credential, database, access, look)));
    const foreign = neighbour?.databases[0]?.name;
    if (foreign !== undefined) checks.push(await staysOut(subject, credential, foreign, access));
    checks.push(withinLimit(subject, tenant, credential, look));
  }
  checks.push(withinShare(subject, tenant, look), ...tenant.databases.map(({ name }) => setsNothing(subject, name, look)));
  checks.push(...(await checkRevisions(subject, tenant, versions.current, access)));
  checks.push(...(await checkContent(subject, tenant, versions.current, access)));
  checks.push(...(await checkForeignTables(subject, tenant, versions.current, access)));
  return checks;
}

const setsNothing = (subject: string, database: string, { observed }: Look): Check => ({
  subject,
  promise: `${database} sets no role, path or timeout for all of its sessions`,
  problem: findSettings(database, observed),
});

/** If the collation version has changed, an index on text misses some rows, and accepts duplicates. */
function sortsAsBefore(subject: string, database: string, { collations }: Look): Check {
  const promise = `the indexes of ${shown(database)} match the server's collation version`;
  const found = collations.get(database);
  if (found === undefined) return { subject, promise, problem: null };
  const id = identifier(database);
  return {
    subject,
    promise,
    problem: `they were created with version ${shown(found.had)} of its collation, but the server has ${shown(found.has)}; run in that database as its owner, while the platform is stopped: REINDEX DATABASE ${id}; ALTER DATABASE ${id} REFRESH COLLATION VERSION`,
  };
}

function keepsStrangersOut(subject: string, tenant: Tenant, database: string, { visitors }: Look, provision: string): Check {
  const own = tenant.logins.map((login) => login.name);
  const foreign = (visitors.get(database) ?? []).filter((role) => !own.includes(role));
  // A platform that may create databases can choose any names.
  const promise = `only its own logins may connect to ${shown(database)}`;
  if (foreign.length === 0) return { subject, promise, problem: null };
  return {
    subject,
    promise,
    problem: `${foreign.slice(0, 3).join(", ")}${foreign.length > 3 ? " and others" : ""} can connect too; revoke grants to individual roles (REVOKE CONNECT ON DATABASE ${identifier(database)} FROM ...), and ${provision}`,
  };
}

/** Logs in, inspects the database, and then works like a driver, with every setting unchanged. */
async function worksAsOwner(
  subject: string,
  tenant: Tenant,
  credential: Credential,
  database: Tenant["databases"][number],
  { server, patience, provision }: ServerAccess,
  { reported }: Look,
): Promise<readonly Check[]> {
  const promise = `${credential.username} works as ${tenant.owner} in ${database.name}`;
  const { name } = database;
  try {
    const work = async (client: Client): Promise<readonly string[]> => {
      const problem = await within(client, looking(patience), async () =>
        findProblem(await lookAround(client, tenant), tenant, database, provision),
      );
      return problem === null ? tryLikeDriver(client, tenant, credential, name, reported) : [problem];
    };
    const found = await withClient(server, credential, name, work, likeDriver(patience));
    return (found.length === 0 ? [null] : found).map((each) => ({ subject, promise, problem: each }));
  } catch (error) {
    // All of its connections are in use: it can log in, and `withinLimit` reports their number.
    if (isLoginFull(error)) return [{ subject, promise, problem: null }];
    return [{ subject, promise, problem: explain(error, attemptOf(server, credential, name)).message }];
  }
}

async function staysOut(subject: string, credential: Credential, foreign: string, { server, provision }: ServerAccess): Promise<Check> {
  const promise = `${credential.username} cannot connect to ${foreign}`;
  try {
    await close(await open(server, credential, foreign));
    return { subject, promise, problem: `it can; ${provision}` };
  } catch (error) {
    const { code } = error as { code?: string };
    // 42501: no permission to connect. 3D000, 55000: the neighbour's database is missing or closed, which is reported there. `withinLimit` reports a login whose connections are all in use.
    if (code === "42501" || code === "3D000" || code === "55000" || isLoginFull(error)) return { subject, promise, problem: null };
    return { subject, promise, problem: explain(error, attemptOf(server, credential, foreign)).message };
  }
}

function withinLimit(subject: string, tenant: Tenant, { username }: Credential, { sessions }: Look): Check {
  const limit = tenant.logins.find((login) => login.name === username)?.connectionLimit ?? 0;
  const used = sessions.get(username) ?? 0;
  const promise = `${username} stays below its limit of ${limit} connections`;
  return {
    subject,
    promise,
    problem: used < limit ? null : `it has ${used} open; raise the pool's budget in the spec, or shrink the pool`,
  };
}

/** Each login may use the whole share, so that pods can move to the other one; someone with both passwords can use it twice, which the budget does not count. */
function withinShare(subject: string, { logins }: Tenant, { sessions }: Look): Check {
  const share = Math.max(...logins.map((login) => login.connectionLimit));
  const used = logins.reduce((sum, { name }) => sum + (sessions.get(name) ?? 0), 0);
  return {
    subject,
    promise: `its logins together stay within their ${share} connections`,
    problem:
      used <= share
        ? null
        : `they have ${used} open, more than the budget counts; stop the programs that still use the password from before the last rotation, and rotate again`,
  };
}

/** Uses a fake password: an eavesdropper, or a server that asks for it in clear text, must not learn a real one. */
async function refusesPlainText(subject: string, server: Server, username: string, database: string): Promise<Check> {
  const promise = `rejects plain text to ${database}`;
  const nobody = { username, password: generatePassword() };
  const allowed = "a login without TLS was accepted; allow only hostssl in pg_hba.conf, or require TLS (rds.force_ssl, ENCRYPTED_ONLY)";
  try {
    await close(await open({ ...server, tls: { mode: "proxy" } }, nobody, database));
    return { subject, promise, problem: allowed };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // PostgreSQL first looks for an entry in pg_hba.conf, and reports that there is none without encryption.
    if (code === "28000" && message.includes("no encryption")) return { subject, promise, problem: null };
    if (code === "28P01") return { subject, promise, problem: allowed };
    return { subject, promise, problem: `could not be checked: ${explain(error, attemptOf(server, nobody, database)).message}` };
  }
}
