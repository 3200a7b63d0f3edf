import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createCa, createServerCertificate, isCurrent, type KeyPair } from "../../constructs/local/certificates";
import { readIfThere, writeAtomically } from "../../constructs/local/files";
import { readCredential, writeCredential } from "../../constructs/local/secret-directory";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { type Credential, generatePassword } from "../../constructs/provisioning/credential";
import { parseSecret } from "../../constructs/provisioning/stored-secret";
import { npmCommand } from "../command-line";
import { localDirectories } from "./directories";

/** The login that provisions a local server. */
const MASTER = "master";

/** The environment's master, on all of its local servers. */
export async function masterOf(environment: string): Promise<Credential> {
  const path = join(localDirectories(environment).secrets, "master.json");
  const found = await readCredential(path);
  if (found !== null) return found;
  const master = { username: MASTER, password: generatePassword() };
  await writeCredential(path, master);
  return master;
}

/** The environment's authority. Created once, so that clients that trust it need no change. */
export async function authority(environment: string): Promise<KeyPair> {
  return keyPair(
    environment,
    "ca",
    () => createCa(`platform-postgres ${environment} ${randomUUID().slice(0, 8)}`),
    () => true,
  );
}

/** An authority that signed no certificate of the environment: `doctor` checks with it that clients reject others. */
export async function stranger(environment: string): Promise<KeyPair> {
  return keyPair(
    environment,
    "stranger",
    () => createCa("stranger"),
    () => true,
  );
}

export async function serverCertificate(environment: string): Promise<KeyPair> {
  const ca = await authority(environment);
  return keyPair(
    environment,
    "server",
    () => createServerCertificate(ca),
    (found) => isCurrent(found.certificate, ca),
  );
}

/** Both parts in one file, so that they always belong together. */
async function keyPair(
  environment: string,
  name: string,
  create: () => Promise<KeyPair>,
  isGood: (found: KeyPair) => boolean,
): Promise<KeyPair> {
  const path = join(localDirectories(environment).secrets, `${name}-certificate.json`);
  const content = await readIfThere(path);
  const found = content === null ? null : toKeyPair(parseSecret(content), path, environment);
  if (found !== null && isGood(found)) return found;
  const created = await create();
  await writeAtomically(path, JSON.stringify(created), 0o600);
  return created;
}

function toKeyPair(value: unknown, path: string, environment: string): KeyPair {
  if (isObject(value) && typeof value.certificate === "string" && typeof value.key === "string")
    return { certificate: value.certificate, key: value.key };
  throw new UserError(`${path} is damaged; restore it, or run ${npmCommand("start", { environment }, ["--reset"])}`);
}
