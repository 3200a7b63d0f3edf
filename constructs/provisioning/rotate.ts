import pg from "pg";
import type { ServerAccess, TenantLogins } from "./access";
import { type Client, persist, type Server, withClient } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { isLoginFull, ProvisioningError } from "./errors";
import { endSessions, withLock } from "./lock";
import { readVersions, setPassword, storedLogins } from "./provision";

export interface Rotated {
  /** The login to use from now on. */
  readonly current: string;
  /** The login used until now. It works until the next rotation, unless it was revoked. */
  readonly previous: string;
  /** Sessions of both logins that were ended; null where nothing was revoked. */
  readonly ended: number | null;
}

/**
 * Gives a platform a new password, on its *other* login, and makes that the current version of its secret. Sessions of the previous
 * login go on, and so do pods that have not read the new version yet.
 *
 * Interrupted before the new version is stored, nothing has changed for who uses the current one; the next run starts over.
 *
 * @param revoke closes a leak at once: no password from before works any more, the previous login can no longer log in, and the
 * sessions of both end. Interrupted in between, `provision` carries it on, because the secret has forgotten the previous login.
 * @throws ProvisioningError
 */
export async function rotate(tenant: TenantLogins, access: ServerAccess, { revoke }: { readonly revoke: boolean }): Promise<Rotated> {
  const locked = <T>(run: (client: Client) => Promise<T>) =>
    persist(access.server, access.master, "postgres", access.patience, () => withLock(access, [tenant], run));
  const rotated = await locked((client) => renewOther(client, tenant, access, revoke));
  // By itself, so that a fault in it does not rotate once more.
  return { ...rotated, ended: revoke ? await locked((client) => closeForgotten(client, tenant, access)) : null };
}

async function renewOther(
  client: Client,
  tenant: TenantLogins,
  { server, store, provision }: ServerAccess,
  forget: boolean,
): Promise<Omit<Rotated, "ended">> {
  const versions = await readVersions(tenant, store);
  if (versions === null) throw new ProvisioningError(`secret ${tenant.secret} has no password yet; first ${provision}`);
  const credential = nextCredential(tenant, versions.current);
  await setPassword(client, credential);
  await proveCredential(tenant, credential, server, provision);
  await store.write(tenant.secret, credential, forget);
  return { current: credential.username, previous: versions.current.username };
}

/** A new password, for the login that the current credential is not of. */
export function nextCredential({ logins }: Pick<TenantLogins, "logins">, { username }: Credential): Credential {
  return { username: logins.find((login) => login.name !== username)?.name ?? username, password: generatePassword() };
}

/**
 * Logs in to each of the platform's databases.
 *
 * @param provision how a person has the environment provisioned, in the imperative.
 * @throws ProvisioningError where the session does not act as the owner.
 */
export async function proveCredential(tenant: TenantLogins, credential: Credential, server: Server, provision: string): Promise<void> {
  for (const { name } of tenant.databases) await proveOwner(tenant, () => withClient(server, credential, name, currentUser), provision);
}

const currentUser = async (client: Client): Promise<string | undefined> =>
  (await client.query<{ user: string }>("select current_user as user")).rows[0]?.user;

async function proveOwner({ owner }: TenantLogins, login: () => Promise<string | undefined>, provision: string): Promise<void> {
  const user = await login().catch((error: unknown) => {
    // All of its connections are in use, by those who logged in with its password from before: the new one was accepted.
    if (isLoginFull(error)) return owner;
    throw error;
  });
  if (user !== owner) throw new ProvisioningError(`the new login acts as ${user}, not as ${owner}; first ${provision}`);
}

/** Looks again what the secret has forgotten, because another run may have come in between. */
async function closeForgotten(client: Client, tenant: TenantLogins, { store }: ServerAccess): Promise<number> {
  const stored = storedLogins(tenant, await readVersions(tenant, store));
  const names = tenant.logins.map((login) => login.name);
  for (const name of names) if (!stored.includes(name)) await client.query(`ALTER ROLE ${pg.escapeIdentifier(name)} NOLOGIN PASSWORD NULL`);
  return endSessions(client, names);
}
