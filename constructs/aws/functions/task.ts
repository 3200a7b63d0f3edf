import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { type Server, withClient } from "../../provisioning/connect";
import type { Credential } from "../../provisioning/credential";
import { isWrongPassword, ProvisioningError } from "../../provisioning/errors";
import { regionRoots } from "../regions";
import { readVersion } from "../secrets-manager-store";

/** What a function needs to know of an instance: the host and the ARNs are known only when it is deployed. */
export interface Task<T> {
  readonly environment: string;
  readonly host: string;
  /** TCP port. CloudFormation makes a text of it. */
  readonly port: number | string;
  /** ARN of the master's secret. */
  readonly masterSecret: string;
  /** ARNs of the platforms' secrets, by the id that a tenant has for its own. */
  readonly secrets: Readonly<Record<string, string>>;
  /** By platform. */
  readonly tenants: Readonly<Record<string, T>>;
}

/** Milliseconds for a connection to Secrets Manager, and for an answer; without a way to it there is none. */
const SECRETS_TIMEOUT = 5_000;
const SECRETS_ATTEMPTS = 3;

export function createSecretsClient(region?: string): SecretsManagerClient {
  const requestHandler = { connectionTimeout: SECRETS_TIMEOUT, requestTimeout: SECRETS_TIMEOUT, throwOnRequestTimeout: true };
  return new SecretsManagerClient({ region, requestHandler, maxAttempts: SECRETS_ATTEMPTS });
}

/** DATABASE_CA is the certificate authority (PEM) of a database that somebody else made outside RDS. */
export function serverOf({ host, port }: Pick<Task<unknown>, "host" | "port">): Server {
  const ca = process.env.DATABASE_CA ?? regionRoots(process.env.AWS_REGION ?? "");
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
