import { type Server, withClient } from "./connect";
import type { Credential } from "./credential";
import { isWrongPassword, ProvisioningError } from "./errors";

/**
 * The master's credential. While its rotation is under way, or where one was interrupted, the server takes another version than the current
 * one.
 *
 * @param readOthers versions that may work instead, tried in order; read only if the current one does not work.
 * @returns the current one where none works: what is done next says what is wrong.
 * @throws ProvisioningError where the secret is empty.
 */
export async function chooseMaster(
  secret: string,
  current: Credential | undefined,
  readOthers: () => Promise<readonly Credential[]>,
  server: Server,
): Promise<Credential> {
  if (current === undefined)
    throw new ProvisioningError(`secret ${secret} of the master is empty; put {"username": ..., "password": ...} into it`);
  if (await worksAt(server, current)) return current;
  for (const credential of await readOthers()) if (await worksAt(server, credential)) return credential;
  return current;
}

/** Whether a server takes a credential. A server that does not answer takes any: what is done next says what is wrong. */
function worksAt(server: Server, credential: Credential): Promise<boolean> {
  return withClient(server, credential, "postgres", async () => true).catch((error) => !isWrongPassword(error));
}
