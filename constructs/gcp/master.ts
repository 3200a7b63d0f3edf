import { type Server, withClient } from "../provisioning/connect";
import { type Credential, generatePassword } from "../provisioning/credential";
import { chooseMaster } from "../provisioning/master";
import { setOwnPassword } from "../provisioning/versions";
import type { SecretManager } from "./secret-manager-store";

/** Versions that may work: not the newest where a rotation was interrupted, and the first where the instance was made anew. */
const TRIED = 20;

/**
 * The master's credential. The newest version may not have reached the server yet: then an older one works.
 *
 * @throws ProvisioningError where the secret is empty.
 */
export async function readMaster(manager: SecretManager, secret: string, server: Server): Promise<Credential> {
  const [newest, ...older] = (await manager.newest(secret, TRIED)).map(({ credential }) => credential);
  return chooseMaster(secret, newest, async () => older, server);
}

/**
 * Gives the master a new password. It is stored before the server is told: interrupted in between, the next run tells the server what is
 * stored, and nothing is lost. Old versions stay: Pulumi has made the first, and would make it again.
 *
 * @returns whether anything was to be done.
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
  // Nothing is added before a session is open: otherwise each try would push the password that works further down.
  await withClient(server, working, "postgres", async (client) => {
    if (!isInterrupted) await manager.add(secret, next);
    await setOwnPassword(client, next);
  });
  return true;
}
