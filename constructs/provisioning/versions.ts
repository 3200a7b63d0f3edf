import pg from "pg";
import { UserError } from "../model/errors";
import type { Tenant } from "../model/spec";
import type { TenantLogins } from "./access";
import type { Client } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { ProvisioningError } from "./errors";
import { scramVerifier } from "./scram";
import type { SecretStore, Versions } from "./secret-store";
import { sayFailed } from "./stored-secret";

/**
 * The versions of a secret, completed: a password for both logins, of which the first is the one to use; after a revocation, one for the
 * first alone.
 *
 * @param state `kept`: the versions that stay. `isHalf`: a run was interrupted before it wrote the second version. `isRevoked`: none from
 * before may be used.
 */
export async function completeVersions(
  { secret, logins }: Tenant,
  store: SecretStore,
  { kept, isHalf, isRevoked }: { readonly kept: Versions | null; readonly isHalf: boolean; readonly isRevoked: boolean },
): Promise<Versions> {
  if (kept !== null && !isHalf) return kept;
  const [current, other] = logins.map(({ name }): Credential => ({ username: name, password: generatePassword() })) as [
    Credential,
    Credential,
  ];
  if (isRevoked) {
    await writeVersion(store, secret, current, true);
    return { current, previous: null };
  }
  if (kept === null) await writeVersion(store, secret, other);
  await writeVersion(store, secret, current);
  return { current, previous: kept?.current ?? other };
}

/** The logins that have a password: those that the secret's versions name, or both where it has none yet. */
export function storedLogins({ logins }: Pick<TenantLogins, "logins">, versions: Versions | null): readonly string[] {
  if (versions === null) return logins.map((login) => login.name);
  return allOf(versions).map((version) => version.username);
}

/** The credentials that must log in: not the previous one while a pending version names its login, whose password may be either. */
export function workingCredentials({ current, previous, pending }: Versions): readonly Credential[] {
  const isRenewed = previous === null || (previous.username === pending?.username && pending.username !== current.username);
  return isRenewed ? [current] : [current, previous];
}

const allOf = ({ current, previous, pending = null }: Versions): readonly Credential[] =>
  [current, previous, pending].filter((each) => each !== null);

/** @throws ProvisioningError where the secret names a login that is not the platform's. */
export async function readVersions(
  { secret, logins }: Pick<TenantLogins, "secret" | "logins">,
  store: SecretStore,
): Promise<Versions | null> {
  const versions = await store.read(secret).catch(blame(store, secret));
  if (versions === null) return null;
  const names = logins.map((login) => login.name);
  for (const version of allOf(versions)) {
    if (names.includes(version.username)) continue;
    throw new ProvisioningError(
      `secret ${secret} in ${store.description} names the login ${version.username}, not ${names.join(" or ")}; remove that version`,
    );
  }
  // Two versions of one login: only the newer password can work.
  return versions.previous?.username === versions.current.username ? { ...versions, previous: null } : versions;
}

/** @throws ProvisioningError */
export const writeVersion = (store: SecretStore, secret: string, credential: Credential, forget = false): Promise<void> =>
  store.write(secret, credential, forget).catch(blame(store, secret));

/** Names a store's fault as the store's. The same fault of a session would be the database's. */
const blame =
  ({ description }: SecretStore, secret: string) =>
  (error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new ProvisioningError(sayFailed(description, secret, error instanceof Error ? error.message : String(error)));
  };

/** Sets a login's password. Only its verifier leaves this process. */
export async function setPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} LOGIN PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Sets the password of the login that the session is of: nothing else of it, which would take more rights. */
export async function setOwnPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}
