import pg from "pg";
import type { Tenant } from "../model/spec";
import type { ServerAccess, Work } from "./access";
import { byItself } from "./by-itself";
import { type Client, close, masterSession, open, persist, withClient } from "./connect";
import type { Credential } from "./credential";
import { explain, isLoginFull, isWrongPassword, ProvisioningError } from "./errors";
import { withLock } from "./lock";
import { type Observed, observe } from "./observe";
import { findProblem, lookAround, lookAtUser, missingExtensions, type Surroundings, sayAstray, withExtensions } from "./ownership";
import { type Change, type DesiredTenant, extensionStep, findShortage, passwordStep, type Step } from "./plan";
import { refuseRevoked } from "./rotate";
import { scramVerifier } from "./scram";
import type { Versions } from "./secret-store";
import { endForgotten, planPlatform } from "./tenant-plan";
import { completeVersions, readVersions, setPassword, workingCredentials } from "./versions";

export interface Provisioned {
  /** The statements that changed something, in order; none if everything was up to date. */
  readonly changes: readonly Change[];
  /** The login that each platform uses. */
  readonly logins: Readonly<Record<string, string>>;
  /** Problems in the platforms' databases that only a person can fix, a sentence each. */
  readonly unsound: readonly string[];
}

/**
 * Brings databases, roles, grants, extensions and passwords from any state to the environment's, and proves it by logging in as every
 * login. Idempotent; never drops anything; concurrent runs wait for each other.
 *
 * Each platform separately: changes that one made to its database or logins do not affect the others.
 *
 * @throws ProvisioningError: a sentence for each problem, after everything else is done.
 */
export async function provision(work: Work, access: ServerAccess): Promise<Provisioned> {
  const { server, master, patience } = access;
  return persist(server, master, "postgres", patience, () => withLock(access, (client) => provisionLocked(client, work, access)));
}

async function provisionLocked(client: Client, { environment, instance }: Work, access: ServerAccess): Promise<Provisioned> {
  const tenants = Object.values(instance.tenants);
  const observed = await observe(client, tenants);
  const shortage = findShortage(tenants, observed.server, access.restart ?? null);
  if (shortage !== null) throw new ProvisioningError(shortage);
  const changes: Change[] = [];
  const logins: Record<string, string> = {};
  const unsound: string[] = [];
  const problems: string[] = [];
  for (const [name, tenant] of Object.entries(instance.tenants)) {
    const { value: done, problem } = await byItself(client, async (isFirst) => {
      // A failed try may have changed something.
      const seen = isFirst ? observed : await observe(client, tenants);
      return provisionTenant(client, environment, tenant, seen, access);
    });
    if (problem !== null) {
      problems.push(problem);
      continue;
    }
    changes.push(...done.changes.map((change) => ({ platform: name, ...change })));
    unsound.push(...done.unsound);
    logins[name] = done.login;
  }
  if (problems.length > 0) throw new ProvisioningError(problems.join("\n"));
  return { changes, logins, unsound };
}

async function provisionTenant(
  client: Client,
  environment: string,
  tenant: Tenant,
  observed: Observed,
  access: ServerAccess,
): Promise<{ readonly changes: readonly Step[]; readonly unsound: readonly string[]; readonly login: string }> {
  const stored = await readVersions(tenant, access.store);
  const { steps, problems, desired, secret, settings } = planPlatform(environment, tenant, observed, stored);
  if (problems.length > 0) throw new ProvisioningError(problems.join("\n"));

  const versions = await completeVersions(tenant, access.store, secret);
  for (const step of steps) await runStep(client, step, versions);
  const forgotten = await endForgotten(client, desired, []);
  for (const { sql } of forgotten) await client.query(sql);
  const proved = await proveTenant(client, desired, versions, observed, access);
  return {
    changes: [...steps, ...forgotten, ...proved.changes],
    unsound: [...proved.unsound, ...settings],
    login: versions.current.username,
  };
}

async function runStep(client: Client, { sql, passwordOf }: Step, { current, previous }: Versions): Promise<void> {
  const password = [current, previous].find((each) => each !== null && each.username === passwordOf)?.password;
  await client.query(password === undefined ? sql : `${sql} PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Logs in to every database with every working credential, resets a password that the server does not know, and adds extensions. */
async function proveTenant(
  client: Client,
  tenant: DesiredTenant,
  versions: Versions,
  { server: { version } }: Observed,
  access: ServerAccess,
): Promise<{ readonly changes: readonly Step[]; readonly unsound: readonly string[] }> {
  const changes: Step[] = [];
  const unsound: string[] = [];
  for (const credential of workingCredentials(versions)) {
    for (const database of tenant.databases) {
      const isCurrent = credential === versions.current;
      const found = await proveLogin(tenant, credential, database.name, access, isCurrent ? lookAround : lookAtUser, async () => {
        // A revocation that waits for the lock may just have removed it.
        await refuseRevoked(client, tenant, access.provision);
        await setPassword(client, credential);
        changes.push(passwordStep(credential.username));
      });
      if (found === null || !isWhole(found)) continue;
      const missing = missingExtensions(found, database);
      changes.push(...(await createExtensions(database.name, missing, version, access)));
      const problem = findProblem(withExtensions(found, missing), tenant, database, access.provision);
      if (problem !== null) unsound.push(problem);
    }
  }
  return { changes, unsound };
}

type Found = Surroundings | Pick<Surroundings, "user">;
const isWhole = (found: Found): found is Surroundings => "extensions" in found;

/**
 * Logs in to one database and checks that the session acts as the owner.
 *
 * @returns its findings; null if all of its connections are in use, which also shows that it can log in.
 */
async function proveLogin(
  tenant: Tenant,
  credential: Credential,
  database: string,
  { server }: ServerAccess,
  look: (session: Client, tenant: Tenant) => Promise<Found | undefined>,
  renew: () => Promise<void>,
): Promise<Found | null> {
  const login = () => withClient(server, credential, database, (session) => look(session, tenant));
  const attempt = { host: server.host, port: server.port, username: credential.username, database };
  let found: Found | undefined;
  try {
    found = await login().catch(async (error: unknown) => {
      if (!isWrongPassword(error)) throw error;
      await renew();
      return login();
    });
  } catch (error) {
    if (isLoginFull(error)) return null;
    throw wrap(error, attempt);
  }
  if (found?.user !== tenant.owner) throw new ProvisioningError(sayAstray(credential.username, found?.user, database, tenant));
  return found;
}

/** Keeps transient errors unchanged, so that the whole run is retried. */
function wrap(error: unknown, attempt: Parameters<typeof explain>[1]): unknown {
  const { code } = error as { code?: string };
  return ["28P01", "28000", "3D000", "42501"].includes(code ?? "") ? explain(error, attempt) : error;
}

async function createExtensions(
  database: string,
  names: readonly string[],
  version: number,
  { server, master }: ServerAccess,
): Promise<readonly Step[]> {
  if (names.length === 0) return [];
  const client = await open(server, master, database, masterSession(version));
  try {
    const steps = names.map((name) => extensionStep(database, name));
    for (const { sql } of steps) await client.query(sql);
    return steps;
  } catch (error) {
    throw explainExtension(error, database, names);
  } finally {
    await close(client);
  }
}

function explainExtension(error: unknown, database: string, names: readonly string[]): unknown {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== "42501" && code !== "0A000" && code !== "58P01") return error;
  return new ProvisioningError(
    `extension ${names.join(", ")} cannot be created in database ${database} (${message}); allow it on the server`,
  );
}
