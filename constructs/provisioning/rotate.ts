import pg from "pg";
import type { Tenant } from "../model/spec";
import { type Client, persist, withClient } from "./connect";
import { generatePassword } from "./credential";
import { ProvisioningError } from "./errors";
import { type Access, readVersions, setPassword, withLock } from "./provision";

export interface Rotated {
  /** The login to use from now on. */
  readonly current: string;
  /** The login used until now. It works until the next rotation, unless it was revoked. */
  readonly previous: string;
  /** Sessions of the previous login that were ended; null where it was not revoked. */
  readonly ended: number | null;
}

/**
 * Gives a platform a new password, on its *other* login, and makes that the current version of its secret. Sessions of the previous
 * login go on, and so do pods that have not read the new version yet.
 *
 * Interrupted before the new version is stored, nothing has changed for anybody; the next run starts over.
 *
 * @param revoke closes a leak at once: the previous login loses its password and its right to log in, and its sessions end.
 * @throws ProvisioningError
 */
export async function rotate(tenant: Tenant, access: Access, options: { readonly revoke: boolean }): Promise<Rotated> {
  const { server, master, patience } = access;
  return persist(server, master, "postgres", patience, () =>
    withLock(access, (client) => rotateLocked(client, tenant, access, options.revoke)),
  );
}

async function rotateLocked(client: Client, tenant: Tenant, { server, store }: Access, revoke: boolean): Promise<Rotated> {
  const names = tenant.logins.map((login) => login.name);
  const versions = await readVersions(tenant.secret, names, store);
  if (versions === null) throw new ProvisioningError(`secret ${tenant.secret} has no password yet; run npm run provision first`);
  const previous = versions.current.username;
  const current = names.find((name) => name !== previous) ?? previous;

  const credential = { username: current, password: generatePassword() };
  await setPassword(client, credential);
  await proveOwner(tenant, () =>
    Promise.all(tenant.databases.map((database) => withClient(server, credential, database.name, currentUser))),
  );
  await store.write(tenant.secret, credential);
  return { current, previous, ended: revoke ? await revokeLogin(client, previous) : null };
}

const currentUser = async (client: Client): Promise<string | undefined> =>
  (await client.query<{ user: string }>("select current_user as user")).rows[0]?.user;

async function proveOwner(tenant: Tenant, login: () => Promise<readonly (string | undefined)[]>): Promise<void> {
  const other = (await login()).find((user) => user !== tenant.owner);
  if (other !== undefined)
    throw new ProvisioningError(`the new login acts as ${other}, not as ${tenant.owner}; run npm run provision first`);
}

async function revokeLogin(client: Client, login: string): Promise<number> {
  const name = pg.escapeIdentifier(login);
  await client.query(`ALTER ROLE ${name} NOLOGIN PASSWORD NULL`);
  // Ending another's sessions takes its rights, or those of pg_signal_backend; the role's creator may give itself the former.
  const { rows } = await client.query<{ allowed: boolean }>(
    "select pg_has_role(current_user, $1, 'USAGE') or pg_has_role(current_user, 'pg_signal_backend', 'USAGE') as allowed",
    [login],
  );
  if (rows[0]?.allowed === false) await client.query(`GRANT ${name} TO CURRENT_USER`);
  const ended = await client.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [login]);
  return ended.rowCount ?? 0;
}
