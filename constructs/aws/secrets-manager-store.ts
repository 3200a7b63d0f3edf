import { randomUUID } from "node:crypto";
import {
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import type { Credential } from "../provisioning/credential";
import { ProvisioningError } from "../provisioning/errors";
import type { SecretStore, Versions } from "../provisioning/secret-store";
import { findSecret, isOutOfReach, readCredential, storeFaults, toSecretText } from "../provisioning/stored-secret";

/** Stages of a secret's versions. https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version */
export type Stage = "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS";

/** A version of a secret, its ID, and when it was added. */
export interface StoredVersion {
  readonly id: string;
  readonly created: Date;
  readonly credential: Credential;
}

/** Returns the version of a secret in a stage, or null if there is none. @throws ProvisioningError if the secret does not exist. */
export async function readVersion(client: SecretsManagerClient, secret: string, stage: Stage): Promise<StoredVersion | null> {
  const request = client.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }));
  // A secret without a version in a stage is not an error; a missing secret is.
  const found = await ask(
    secret,
    request.catch((error) => {
      if (isWithoutVersion(error)) return null;
      throw error;
    }),
  );
  if (found === null) return null;
  const credential = readCredential(secret, found.SecretString ?? "", FAULTS);
  return { id: found.VersionId ?? "", created: found.CreatedDate ?? new Date(), credential };
}

/** Removes a stage from the version that has it. A version without a value keeps it. */
export async function removeStage(client: SecretsManagerClient, secret: string, stage: Stage): Promise<void> {
  const version = await readVersion(client, secret, stage);
  if (version === null) return;
  const change = { SecretId: secret, VersionStage: stage, RemoveFromVersionId: version.id };
  const request = ask(secret, client.send(new UpdateSecretVersionStageCommand(change)));
  await request.catch(async (error) => {
    // An earlier try has succeeded, but its response was lost.
    if ((await readVersion(client, secret, stage))?.id === version.id) throw error;
  });
}

/** Returns a secret's tags, stages and rotation rules, without its value. @throws ProvisioningError */
export const describeSecret = (client: SecretsManagerClient, secret: string): Promise<DescribeSecretCommandOutput> =>
  ask(secret, client.send(new DescribeSecretCommand({ SecretId: secret })));

/** Sends a request about a secret to Secrets Manager. @throws its error as one sentence. */
export async function ask<T>(secret: string, request: Promise<T>): Promise<T> {
  return request.catch((error) => {
    throw explain(error, secret);
  });
}

const isWithoutVersion = (error: unknown): boolean => error instanceof ResourceNotFoundException && /secret value for/.test(error.message);

const FAULTS = storeFaults({
  service: "Secrets Manager",
  cloud: "AWS",
  grant: "grant permission to read it, to add versions, and to use its key",
  logIn: "set AWS_PROFILE, or log in with aws sso login",
  connect:
    "connect the private subnets to it: with a NAT gateway, secretsManagerEndpoint: true, or the security group of an existing endpoint in existingSecretsManagerEndpoint",
  mend: "restore it if it is scheduled for deletion",
  takeBack: "restore its last version",
});

/** Whether the name of an AWS client's error means that there are no valid credentials. */
export const isUnauthenticated = (name: string): boolean =>
  /^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|InvalidSignatureException)$/.test(name);

/** Returns the sentence for such an error. */
export const sayUnauthenticated = (message: string): string => FAULTS.unauthenticated(message).message;

/** Returns an error of Secrets Manager as one sentence. */
function explain(error: unknown, secret: string): Error {
  if (error instanceof ProvisioningError) return error;
  const { name = "", message = "" } = error as { readonly name?: string; readonly message?: string };
  if (name === "ResourceNotFoundException") return FAULTS.missing(secret);
  if (/^(AccessDeniedException|DecryptionFailure|UnrecognizedClientException)$/.test(name)) return FAULTS.refused(secret, message);
  if (isUnauthenticated(name)) return FAULTS.unauthenticated(message);
  if (name === "InvalidRequestException") return FAULTS.unusable(secret, message);
  return isOutOfReach(error) ? FAULTS.outOfReach() : FAULTS.failed(secret, message === "" ? name : message);
}

/**
 * Platform secrets in AWS Secrets Manager: AWSCURRENT is the version to use, AWSPREVIOUS the one before it.
 *
 * @param arns of the secrets, by the tenant's secret ID.
 */
export class SecretsManagerStore implements SecretStore {
  readonly description = "AWS Secrets Manager";

  constructor(
    private readonly client: SecretsManagerClient,
    private readonly arns: Readonly<Record<string, string>>,
  ) {}

  async read(secret: string): Promise<Versions | null> {
    const arn = this.arnOf(secret);
    const current = await readVersion(this.client, arn, "AWSCURRENT");
    if (current === null) return null;
    const previous = await readVersion(this.client, arn, "AWSPREVIOUS");
    const pending = await readVersion(this.client, arn, "AWSPENDING");
    return {
      current: current.credential,
      since: current.created,
      previous: previous?.credential ?? null,
      // The stage may stay on a version that has become the current one.
      pending: pending === null || pending.id === current.id ? null : pending.credential,
    };
  }

  async write(secret: string, credential: Credential, forget = false): Promise<void> {
    const arn = this.arnOf(secret);
    // First: a running rotation must not make its own version current over this one.
    await removeStage(this.client, arn, "AWSPENDING");
    // One token for all tries of this call: a lost response must not cause a second version.
    const version = { SecretId: arn, SecretString: toSecretText(credential), ClientRequestToken: randomUUID() };
    await ask(arn, this.client.send(new PutSecretValueCommand(version)));
    if (forget) await removeStage(this.client, arn, "AWSPREVIOUS");
  }

  private arnOf(secret: string): string {
    return findSecret(this.arns, secret, FAULTS);
  }
}
