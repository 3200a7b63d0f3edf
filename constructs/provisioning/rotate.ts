import type { ServerAccess, TenantLogins } from "./access";
import { type Client, persist, type Server, withClient } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { isLoginFull, ProvisioningError } from "./errors";
import { withLock } from "./lock";
import { lookAtUser } from "./ownership";
import { REVOKED } from "./plan";
import { readVersions, setPassword, writeVersion } from "./versions";

export interface Rotated {
  /** The login to use from now on. */
  readonly current: string;
  /** The login used until now. It works until the next rotation. */
  readonly previous: string;
}

/**
 * Gives a platform a new password, on its *other* login, and makes that the current version of its secret. Sessions of the previous
 * login continue, as do pods that have not read the new version yet. To close a leak, use `revoke`.
 *
 * If it is interrupted before the new version is stored, nothing changes for users of the current one; the next run starts over.
 *
 * @param force also renews a login that has sessions: they continue, but cannot reconnect.
 * @throws ProvisioningError
 */
export async function rotate(tenant: TenantLogins, access: ServerAccess, { force }: { readonly force: boolean }): Promise<Rotated> {
  return persist(access.server, access.master, "postgres", access.patience, () =>
    withLock(access, (client) =>
      renewOther(client, tenant, access, async (login) => {
        if (!force) await refuseInUse(client, login);
      }),
    ),
  );
}

/**
 * Under the lock.
 *
 * @param admit throws an error to prevent the renewal of a login.
 */
export async function renewOther(
  client: Client,
  tenant: TenantLogins,
  { server, store, provision }: ServerAccess,
  admit: (login: string) => Promise<void>,
): Promise<Rotated> {
  const versions = await readVersions(tenant, store);
  if (versions === null) throw new ProvisioningError(`secret ${tenant.secret} has no password yet; first ${provision}`);
  await refuseRevoked(client, tenant, provision);
  const credential = nextCredential(tenant, versions.current);
  await admit(credential.username);
  await setPassword(client, credential);
  await proveCredential(tenant, credential, server, provision);
  await writeVersion(store, tenant.secret, credential);
  return { current: credential.username, previous: versions.current.username };
}

/** @throws ProvisioningError if a login has sessions: pods that have not read the last rotation would lose it. */
async function refuseInUse(client: Client, login: string): Promise<void> {
  const count = await countSessions(client, login);
  if (count > 0) throw new ProvisioningError(`${sayInUse(login, count)}; restart them, and run this again`);
}

export const sayInUse = (login: string, count: number): string =>
  `login ${login} would get the new password, but still has ${count} sessions of pods that have not read the secret since the last rotation`;

export async function countSessions(client: Client, login: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>("select count(*)::int as count from pg_stat_activity where usename = $1", [login]);
  return rows[0]?.count ?? 0;
}

/** @throws ProvisioningError if a revocation was interrupted: a password from before it must not open a login. */
export async function refuseRevoked(client: Client, { logins }: Pick<TenantLogins, "logins">, provision: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select rolname as name from pg_roles where rolname = any($1) and shobj_description(oid, 'pg_authid') = $2 order by 1",
    [logins.map((login) => login.name), REVOKED],
  );
  if (rows[0] !== undefined)
    throw new ProvisioningError(`login ${rows[0].name} was revoked, and the revocation was interrupted; first ${provision}`);
}

/** Returns a new password for the login that is not the current one. */
export function nextCredential({ logins }: Pick<TenantLogins, "logins">, { username }: Credential): Credential {
  return { username: logins.find((login) => login.name !== username)?.name ?? username, password: generatePassword() };
}

/**
 * Logs in to each of the platform's databases.
 *
 * @param provision how a person provisions the environment, in the imperative.
 * @throws ProvisioningError if the session does not act as the owner.
 */
export async function proveCredential(tenant: TenantLogins, credential: Credential, server: Server, provision: string): Promise<void> {
  const { owner } = tenant;
  for (const { name } of tenant.databases) {
    const found = await withClient(server, credential, name, lookAtUser).catch((error: unknown) => {
      // All of its connections are in use by sessions with its previous password: the new one was accepted.
      if (isLoginFull(error)) return { user: owner };
      throw error;
    });
    if (found?.user !== owner) throw new ProvisioningError(`the new login acts as ${found?.user}, not as ${owner}; first ${provision}`);
  }
}
