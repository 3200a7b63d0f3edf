import pg from "pg";
import type { Tenant } from "../model/spec";
import type { ServerAccess, TenantLogins, Work } from "./access";
import { type Client, close, open, persist, withClient } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { explain, isLoginFull, isWrongPassword, ProvisioningError } from "./errors";
import { endSessions, withLock } from "./lock";
import { observe } from "./observe";
import { type DesiredTenant, plan, type Step } from "./plan";
import { scramVerifier } from "./scram";
import type { SecretStore, Versions } from "./secret-store";

export interface Provisioned {
  /** The statements that changed something, in order; none where everything was right. */
  readonly changes: readonly Step[];
  /** The login that each platform uses. */
  readonly logins: Readonly<Record<string, string>>;
}

/**
 * Brings databases, roles, grants, extensions and passwords to what the environment says, from whatever state they are in, and proves
 * it by logging in as every login. Idempotent; never drops anything; concurrent runs wait for each other.
 *
 * @throws ProvisioningError: one sentence, or several where several things are wrong.
 */
export async function provision(work: Work, access: ServerAccess): Promise<Provisioned> {
  const { server, master, patience } = access;
  return persist(server, master, "postgres", patience, () =>
    withLock(access, Object.values(work.instance.tenants), (client) => provisionLocked(client, work, access)),
  );
}

async function provisionLocked(client: Client, { environment, instance }: Work, access: ServerAccess): Promise<Provisioned> {
  const platforms = Object.entries(instance.tenants);
  const stored = new Map<string, Versions | null>();
  for (const [, tenant] of platforms) stored.set(tenant.secret, await readVersions(tenant, access.store));

  const desired = platforms.map(
    ([, tenant]): DesiredTenant => ({ ...tenant, storedLogins: storedLogins(tenant, stored.get(tenant.secret) ?? null) }),
  );
  const observed = await observe(client, desired);
  const { steps, problems } = plan(environment, desired, observed, access.restart);
  if (problems.length > 0) throw new ProvisioningError(problems.join("\n"));

  const versions = new Map<string, Versions>();
  for (const [, tenant] of platforms)
    versions.set(tenant.secret, stored.get(tenant.secret) ?? (await createVersions(tenant, access.store)));
  const passwords = new Map(
    [...versions.values()]
      .flatMap(({ current, previous }) => [current, ...(previous === null ? [] : [previous])])
      .map((each) => [each.username, each.password]),
  );
  for (const step of steps) await runStep(client, step, passwords);

  const changes = [...steps, ...(await endForgotten(client, desired))];
  for (const tenant of desired) changes.push(...(await proveTenant(client, tenant, versionsOf(tenant, versions), access)));
  return { changes, logins: Object.fromEntries(platforms.map(([name, tenant]) => [name, versionsOf(tenant, versions).current.username])) };
}

function versionsOf({ secret }: Tenant, versions: ReadonlyMap<string, Versions>): Versions {
  const found = versions.get(secret);
  if (found === undefined) throw new TypeError(`no versions of ${secret}`);
  return found;
}

/** Ends what an interrupted revocation left: sessions of logins that their secret has forgotten. */
async function endForgotten(client: Client, tenants: readonly DesiredTenant[]): Promise<readonly Step[]> {
  const forgotten = tenants.flatMap(({ logins, storedLogins: stored }) =>
    logins.map((login) => login.name).filter((name) => !stored.includes(name)),
  );
  const { rows } = await client.query<{ login: string }>("select distinct usename as login from pg_stat_activity where usename = any($1)", [
    forgotten,
  ]);
  const open = rows.map((row) => row.login);
  if (open.length > 0) await endSessions(client, open);
  return open.map((login) => ({
    sql: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    why: `login ${login} was revoked, and had sessions`,
    passwordOf: null,
  }));
}

/** A password for both logins; the first is the one to use. */
async function createVersions({ secret, logins }: Tenant, store: SecretStore): Promise<Versions> {
  const [current, previous] = logins.map(({ name }): Credential => ({ username: name, password: generatePassword() })) as [
    Credential,
    Credential,
  ];
  await store.write(secret, previous);
  await store.write(secret, current);
  return { current, previous };
}

/** The logins that have a password: those that the secret's versions name, or both where it has none yet. */
export function storedLogins({ logins }: Pick<TenantLogins, "logins">, versions: Versions | null): readonly string[] {
  if (versions === null) return logins.map((login) => login.name);
  return [versions.current.username, ...(versions.previous === null ? [] : [versions.previous.username])];
}

/** @throws ProvisioningError where the secret names a login that is not the platform's. */
export async function readVersions(
  { secret, logins }: Pick<TenantLogins, "secret" | "logins">,
  store: SecretStore,
): Promise<Versions | null> {
  const versions = await store.read(secret);
  if (versions === null) return null;
  const names = logins.map((login) => login.name);
  for (const version of [versions.current, versions.previous]) {
    if (version === null || names.includes(version.username)) continue;
    throw new ProvisioningError(
      `secret ${secret} in ${store.description} names the login ${version.username}, not ${names.join(" or ")}; remove that version`,
    );
  }
  // Two versions of one login: only the newer password can work.
  return versions.previous?.username === versions.current.username ? { ...versions, previous: null } : versions;
}

async function runStep(client: Client, { sql, passwordOf }: Step, passwords: ReadonlyMap<string, string>): Promise<void> {
  const password = passwordOf === null ? undefined : passwords.get(passwordOf);
  await client.query(password === undefined ? sql : `${sql} PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Sets a login's password. Only its verifier leaves this process. */
export async function setPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} LOGIN PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Sets the password of the login that the session is of: nothing else of it, which would take more rights. */
export async function setOwnPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Logs in with every working credential to every database, renews a password that the server does not know, and adds extensions. */
async function proveTenant(client: Client, tenant: DesiredTenant, versions: Versions, access: ServerAccess): Promise<readonly Step[]> {
  const changes: Step[] = [];
  const credentials = [versions.current, versions.previous].filter((each) => each !== null);
  for (const credential of credentials) {
    for (const database of tenant.databases) {
      const installed = await proveLogin(tenant, credential, database.name, access, async () => {
        await setPassword(client, credential);
        changes.push({
          sql: `ALTER ROLE ${pg.escapeIdentifier(credential.username)} LOGIN`,
          why: `login ${credential.username} had another password`,
          passwordOf: credential.username,
        });
      });
      const missing = credential === versions.current ? database.extensions.filter((extension) => !installed.includes(extension)) : [];
      changes.push(...(await createExtensions(database.name, missing, access)));
    }
  }
  return changes;
}

/**
 * Logs in to one database and checks that the session acts as the owner.
 *
 * @returns the database's extensions.
 */
async function proveLogin(
  tenant: Tenant,
  credential: Credential,
  database: string,
  { server }: ServerAccess,
  renew: () => Promise<void>,
): Promise<readonly string[]> {
  const login = () =>
    withClient(server, credential, database, async (session) => {
      const { rows } = await session.query<{ user: string; extensions: string[] }>(
        "select current_user as user, array(select extname::text from pg_extension) as extensions",
      );
      return rows[0];
    });
  const attempt = { host: server.host, port: server.port, username: credential.username, database };
  let session: Awaited<ReturnType<typeof login>>;
  try {
    session = await login().catch(async (error: unknown) => {
      if (!isWrongPassword(error)) throw error;
      await renew();
      return login();
    });
  } catch (error) {
    // All of its connections are in use, which also shows that it can log in.
    if (isLoginFull(error)) return tenant.databases.flatMap((each) => each.extensions);
    throw wrap(error, attempt);
  }
  if (session?.user !== tenant.owner) {
    throw new ProvisioningError(
      `${credential.username} acts as ${session?.user} in database ${database}, not as ${tenant.owner}; update PostgreSQL to the next minor version`,
    );
  }
  return session.extensions;
}

/** Keeps transient faults as they are, so that the whole run is tried again. */
function wrap(error: unknown, attempt: Parameters<typeof explain>[1]): unknown {
  const { code } = error as { code?: string };
  return ["28P01", "28000", "3D000", "42501"].includes(code ?? "") ? explain(error, attempt) : error;
}

/** By the master, not the owner: managed services let only their administrators create some extensions. */
async function createExtensions(database: string, names: readonly string[], { server, master }: ServerAccess): Promise<readonly Step[]> {
  if (names.length === 0) return [];
  const client = await open(server, master, database);
  try {
    const steps = names.map((name) => ({
      sql: `CREATE EXTENSION IF NOT EXISTS ${pg.escapeIdentifier(name)} SCHEMA public`,
      why: `extension ${name} is missing in database ${database}`,
      passwordOf: null,
    }));
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
