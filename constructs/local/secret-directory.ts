import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../model/errors";
import { isObject } from "../model/json";
import type { Credential } from "../provisioning/credential";
import type { SecretStore, Versions } from "../provisioning/secret-store";
import { parseSecret, sayMalformed, toCredential } from "../provisioning/stored-secret";
import { explainFile, readIfThere, writeAtomically } from "./files";

const SECRET_FILE_MODE = 0o600;
const SECRET_DIRECTORY_MODE = 0o700;
/** What to do about a malformed file that this project has written. */
const NEW_PASSWORDS = "restore it, or delete it to get new passwords";

/** A private directory (0700) with one JSON file (0600) per secret, which contains its two newest versions. */
export class SecretDirectory implements SecretStore {
  readonly description: string;

  constructor(private readonly directory: string) {
    this.description = directory;
  }

  async read(secret: string): Promise<Versions | null> {
    const content = await readIfThere(this.pathOf(secret));
    return content === null ? null : parseVersions(content, this.pathOf(secret));
  }

  async write(secret: string, credential: Credential, forget = false): Promise<void> {
    await makePrivate(this.directory);
    const { username, password } = credential;
    const previous = forget ? null : ((await this.read(secret))?.current ?? null);
    const versions: Versions = { current: { username, password }, previous, since: new Date() };
    await writeAtomically(this.pathOf(secret), `${JSON.stringify(versions, null, 2)}\n`, SECRET_FILE_MODE);
  }

  private pathOf(secret: string): string {
    return join(this.directory, `${secret}.json`);
  }
}

/** Creates a directory that only its owner can access. */
export async function makePrivate(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: SECRET_DIRECTORY_MODE });
    await chmod(directory, SECRET_DIRECTORY_MODE);
  } catch (error) {
    throw explainFile(error, directory);
  }
}

/**
 * Reads `{ username, password }` from a JSON file; other keys are ignored.
 *
 * @param remedy what to do about a malformed file, in the imperative.
 * @returns null if there is no file.
 */
export async function readCredential(path: string, remedy = NEW_PASSWORDS): Promise<Credential | null> {
  const content = await readIfThere(path);
  return content === null ? null : requireCredential(parseSecretFile(content, path, remedy), path, remedy);
}

export async function writeCredential(path: string, credential: Credential): Promise<void> {
  await writeAtomically(path, `${JSON.stringify(credential, null, 2)}\n`, SECRET_FILE_MODE);
}

function parseVersions(content: string, path: string): Versions {
  const { current, previous, since } = parseSecretFile(content, path);
  const versions = { current: requireCredential(current, path), previous: previous === null ? null : requireCredential(previous, path) };
  // Files of earlier versions do not contain it.
  const added = typeof since === "string" ? new Date(since) : null;
  return added === null || Number.isNaN(added.getTime()) ? versions : { ...versions, since: added };
}

function parseSecretFile(content: string, path: string, remedy = NEW_PASSWORDS): Readonly<Record<string, unknown>> {
  const parsed = parseSecret(content);
  if (!isObject(parsed)) throw damaged(path, remedy);
  return parsed;
}

function requireCredential(value: unknown, path: string, remedy = NEW_PASSWORDS): Credential {
  const credential = toCredential(value);
  if (credential === null) throw damaged(path, remedy);
  return credential;
}

const damaged = (path: string, remedy: string) => new UserError(sayMalformed(path, remedy));
