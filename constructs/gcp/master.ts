import { type Server, withClient } from "../provisioning/connect";
import { type Credential, generatePassword } from "../provisioning/credential";
import { chooseMaster } from "../provisioning/master";
import { setOwnPassword } from "../provisioning/versions";
import type { SecretManager } from "./secret-manager-store";

/** Versions to try: not only the newest, in case a rotation was interrupted or the instance was recreated. */
const TRIED = 20;

/**
 * Returns the master's credential. If the server does not have the newest version yet, an older one works.
 *
 * @throws ProvisioningError if the secret is empty.
 */
export async function readMaster(manager: SecretManager, secret: string, server: Server): Promise<Credential> {
  const [newest, ...older] = (await manager.newest(secret, TRIED)).map(({ credential }) => credential);
  return chooseMaster(secret, newest, async () => older, server);
}

/**
 * Gives the master a new password. It is stored before it is set on the server: after an interruption, the next run sets the stored one, and
 * nothing is lost. Old versions are kept: Pulumi created the first, and would recreate it.
 *
 * @returns whether there was anything to do.
 */
export async function rotateMaster(
  manager: SecretManager,
  secret: string,
  server: Server,
  isDue: (created: Date) => boolean,
): Promise<boolean> {
  const working = await readMaster(manager, secret, server);
  const [newest] = await manager.newest(secret, 1);
  if (newest === undefined) return false;
  const isInterrupted = newest.credential.password !== working.password;
  if (!isInterrupted && !isDue(newest.created)) return false;
  const next = isInterrupted ? newest.credential : { username: working.username, password: generatePassword() };
  // Adds nothing before a session is open: otherwise each try would push the working password further back.
  await withClient(server, working, "postgres", async (client) => {
    if (!isInterrupted) await manager.add(secret, next);
    await setOwnPassword(client, next);
  });
  return true;
}
