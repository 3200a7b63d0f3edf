import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type Patience, type Server, withClient } from "../../provisioning/connect";
import type { Credential } from "../../provisioning/credential";
import { isWrongPassword, ProvisioningError } from "../../provisioning/errors";
import { regionRoots } from "../regions";
import { readVersion } from "../secrets-manager-store";
import { type Task, VARIABLES } from "../task";
import { makePatient } from "./patience";

/** Milliseconds for a connection to Secrets Manager, and for an answer; without a way to it there is none. */
const SECRETS_TIMEOUT = 5_000;
const SECRETS_ATTEMPTS = 3;

/** @param patience how long to wait for rights and ways that were created a moment ago; null not to. */
export function createSecretsClient(patience: Patience | null, region?: string): SecretsManagerClient {
  const requestHandler = { connectionTimeout: SECRETS_TIMEOUT, requestTimeout: SECRETS_TIMEOUT, throwOnRequestTimeout: true };
  const client = new SecretsManagerClient({ region, requestHandler, maxAttempts: SECRETS_ATTEMPTS });
  return patience === null ? client : makePatient(client, patience);
}

export function serverOf({ host, port }: Pick<Task<unknown>, "host" | "port">): Server {
  const ca = process.env[VARIABLES.ca] ?? regionRoots(process.env.AWS_REGION ?? "");
  return { host, port: Number(port), tls: { mode: "verify-full", ca } };
}

/**
 * The master's credential. While its rotation is under way the server may already know the pending password only.
 *
 * @throws ProvisioningError where the secret is empty.
 */
export async function readMaster(
  client: SecretsManagerClient,
  { masterSecret }: Pick<Task<unknown>, "masterSecret">,
  server: Server,
): Promise<Credential> {
  const current = (await readVersion(client, masterSecret, "AWSCURRENT"))?.credential;
  if (current === undefined)
    throw new ProvisioningError(`secret ${masterSecret} of the master is empty; put {"username": ..., "password": ...} into it`);
  if (await worksAt(server, current)) return current;
  return (await readVersion(client, masterSecret, "AWSPENDING"))?.credential ?? current;
}

/** Whether a server takes a credential. A server that does not answer takes any: what is done next says what is wrong. */
function worksAt(server: Server, credential: Credential): Promise<boolean> {
  return withClient(server, credential, "postgres", async () => true).catch((error) => !isWrongPassword(error));
}
