import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ownEntry } from "../../model/json";
import type { TenantLogins } from "../../provisioning/access";
import type { Patience, Server } from "../../provisioning/connect";
import type { Credential } from "../../provisioning/credential";
import { ProvisioningError } from "../../provisioning/errors";
import { chooseMaster } from "../../provisioning/master";
import { regionRoots } from "../regions";
import { describeSecret, readVersion, type Stage } from "../secrets-manager-store";
import { type RotationTask, type ServerTask, TENANT_TAG, VARIABLES } from "../task";
import { makePatient } from "./patience";

/** Milliseconds for a connection to Secrets Manager, and for a response; without a network path there is none. */
const SECRETS_TIMEOUT = 5_000;
const SECRETS_ATTEMPTS = 3;

/** @param patience retries temporary errors; null leaves them to the AWS client. */
export function createSecretsClient(patience: Patience | null, region?: string): SecretsManagerClient {
  const requestHandler = { connectionTimeout: SECRETS_TIMEOUT, requestTimeout: SECRETS_TIMEOUT, throwOnRequestTimeout: true };
  const client = new SecretsManagerClient({ region, requestHandler, maxAttempts: SECRETS_ATTEMPTS });
  return patience === null ? client : makePatient(client, patience);
}

/** @param ca PEM text of the server's certificate authority; null uses the variable of earlier versions, or RDS's roots of the region. */
export function serverOf({ host, port }: Pick<ServerTask, "host" | "port">, ca: string | null): Server {
  const trusted = ca ?? process.env[VARIABLES.ca] ?? regionRoots(process.env.AWS_REGION ?? "");
  return { host, port: Number(port), tls: { mode: "verify-full", ca: trusted } };
}

/**
 * Returns the master's credential. During its rotation, the server may already accept only the pending password.
 *
 * @throws ProvisioningError if the secret is empty.
 */
export async function readMaster(
  client: SecretsManagerClient,
  { masterSecret }: Pick<ServerTask, "masterSecret">,
  server: Server,
): Promise<Credential> {
  const read = async (stage: Stage) => (await readVersion(client, masterSecret, stage))?.credential;
  return chooseMaster(masterSecret, await read("AWSCURRENT"), async () => [(await read("AWSPENDING")) ?? []].flat(), server);
}

/** Returns what a person does to provision the environment, in the imperative. */
export const provisionIt = ({ environment }: Pick<ServerTask, "environment">): string => `provision environment ${environment}`;

/** The tenant that a secret's tag names; null for the master's secret. @throws ProvisioningError if the instance has no such tenant. */
export async function findTenant(
  client: SecretsManagerClient,
  arn: string,
  { masterSecret, tenants }: Pick<ServerTask & RotationTask, "masterSecret" | "tenants">,
): Promise<TenantLogins | null> {
  if (arn === masterSecret) return null;
  const { Tags: tags = [] } = await describeSecret(client, arn);
  const tenant = ownEntry(tenants, tags.find(({ Key }) => Key === TENANT_TAG)?.Value ?? "");
  if (tenant === undefined) throw new ProvisioningError(`secret ${arn} does not belong to this instance; deploy the environment again`);
  return tenant;
}
