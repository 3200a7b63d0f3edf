import pg from "pg";
import { UserError } from "../model/errors";
import type { Tenant } from "../model/spec";
import type { TenantLogins } from "./access";
import type { Client } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { ProvisioningError } from "./errors";
import { scramVerifier } from "./scram";
import type { ReadableStore, SecretStore, Versions } from "./secret-store";
import { sayFailed } from "./stored-secret";

/** The state of a secret from which provisioning continues. */
export interface SecretState {
  /** The versions to keep. */
  readonly kept: Versions | null;
  /** A run was interrupted before it wrote the second version. */
  readonly isHalf: boolean;
  /** A login was revoked: no earlier version may be used. */
  readonly isRevoked: boolean;
}

/** Returns the logins that get a new version, in the order of writing; the last is the one to use. */
export function newVersions({ logins: [first, second] }: Pick<Tenant, "logins">, { kept, isHalf, isRevoked }: SecretState) {
  if (kept !== null && !isHalf) return [];
  return kept === null && !isRevoked ? [second.name, first.name] : [first.name];
}

/**
 * Completes the versions of a secret: a password for both logins, the first of which is the one to use; after a revocation, only one for the
 * first.
 */
export async function completeVersions(tenant: Tenant, store: SecretStore, state: SecretState): Promise<Versions> {
  const { kept, isRevoked } = state;
  const created = newVersions(tenant, state).map((username): Credential => ({ username, password: generatePassword() }));
  for (const credential of created) await writeVersion(store, tenant.secret, credential, isRevoked);
  const current = created.at(-1);
  if (current !== undefined) return { current, previous: (created.length > 1 ? created[0] : kept?.current) ?? null };
  if (kept === null) throw new TypeError(`secret ${tenant.secret} was not completed`);
  return kept;
}

/** Returns the logins with a password: those that the secret's versions name, or both if it has none yet. */
export function storedLogins({ logins }: Pick<TenantLogins, "logins">, versions: Versions | null): readonly string[] {
  if (versions === null) return logins.map((login) => login.name);
  return allOf(versions).map((version) => version.username);
}

/** Returns the credentials that must work: not the previous one while a pending version has its login, whose password may be either. */
export function workingCredentials({ current, previous, pending }: Versions): readonly Credential[] {
  const isRenewed = previous === null || (previous.username === pending?.username && pending.username !== current.username);
  return isRenewed ? [current] : [current, previous];
}

const allOf = ({ current, previous, pending = null }: Versions): readonly Credential[] =>
  [current, previous, pending].filter((each) => each !== null);

/** @throws ProvisioningError if the secret names a login that is not the platform's. */
export async function readVersions(
  { secret, logins }: Pick<TenantLogins, "secret" | "logins">,
  store: ReadableStore,
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

/** Marks an error as the store's. The same error of a session would be the database's. */
const blame =
  ({ description }: ReadableStore, secret: string) =>
  (error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new ProvisioningError(sayFailed(description, secret, error instanceof Error ? error.message : String(error)));
  };

/** Sets a login's password. Only its verifier leaves this process. */
export async function setPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} LOGIN PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}

/** Sets only the password of the session's own login: other attributes would need more privileges. */
export async function setOwnPassword(client: Client, { username, password }: Credential): Promise<void> {
  await client.query(`ALTER ROLE ${pg.escapeIdentifier(username)} PASSWORD ${pg.escapeLiteral(await scramVerifier(password))}`);
}
