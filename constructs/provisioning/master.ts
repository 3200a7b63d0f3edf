import { type Server, withClient } from "./connect";
import type { Credential } from "./credential";
import { isWrongPassword, ProvisioningError } from "./errors";

/**
 * Returns the master's credential. During its rotation, or after an interrupted one, the server accepts a version other than the current
 * one.
 *
 * @param readOthers versions that may work instead, tried in order; read only if the current one does not work.
 * @returns the current one if none works: the next step reports the problem.
 * @throws ProvisioningError if the secret is empty.
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

/** Whether a server accepts a credential. True if the server does not respond: the next step reports the problem. */
function worksAt(server: Server, credential: Credential): Promise<boolean> {
  return withClient(server, credential, "postgres", async () => true).catch((error) => !isWrongPassword(error));
}
