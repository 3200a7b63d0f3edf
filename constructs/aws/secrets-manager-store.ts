import { randomUUID } from "node:crypto";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { isObject } from "../model/json";
import type { Credential } from "../provisioning/credential";
import { ProvisioningError } from "../provisioning/errors";
import type { SecretStore, Versions } from "../provisioning/secret-store";

/** Stages of a secret's versions. https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version */
export type Stage = "AWSCURRENT" | "AWSPENDING" | "AWSPREVIOUS";

/** A version of a secret, and its id. */
export interface StoredVersion {
  readonly id: string;
  readonly credential: Credential;
}

/** The version of a secret in a stage, or null where there is none. @throws ProvisioningError where there is no such secret. */
export async function readVersion(client: SecretsManagerClient, secret: string, stage: Stage): Promise<StoredVersion | null> {
  const request = client.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }));
  // A secret without a version in a stage is no fault; one that does not exist is.
  const found = await ask(
    secret,
    request.catch((error) => {
      if (isWithoutVersion(error)) return null;
      throw error;
    }),
  );
  return found === null ? null : { id: found.VersionId ?? "", credential: parse(secret, found.SecretString ?? "") };
}

/** Asks Secrets Manager something about a secret. @throws its fault as one sentence. */
export async function ask<T>(secret: string, request: Promise<T>): Promise<T> {
  return request.catch((error) => {
    throw explain(error, secret);
  });
}

const isWithoutVersion = (error: unknown): boolean => error instanceof ResourceNotFoundException && /secret value for/.test(error.message);

function parse(secret: string, content: string): Credential {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    // The parser's own message would quote the content.
  }
  if (isObject(parsed) && typeof parsed.username === "string" && typeof parsed.password === "string")
    return { username: parsed.username, password: parsed.password };
  throw new ProvisioningError(`secret ${secret} holds no JSON with username and password; put its last version back`);
}

/** A fault of Secrets Manager as one sentence. */
function explain(error: unknown, secret: string): unknown {
  const { name, message } = error as { readonly name?: string; readonly message?: string };
  if (name === "ResourceNotFoundException") return new ProvisioningError(`there is no secret ${secret}; deploy the environment again`);
  if (name === "AccessDeniedException" || name === "DecryptionFailure" || name === "UnrecognizedClientException")
    return new ProvisioningError(`Secrets Manager refuses secret ${secret} (${message}); allow it, and its key`);
  if (/^(CredentialsProviderError|TokenProviderError|ExpiredToken(Exception)?|InvalidSignatureException)$/.test(name ?? ""))
    return new ProvisioningError(`there are no valid credentials for AWS (${message}); set AWS_PROFILE, or log in with aws sso login`);
  if (name === "InvalidRequestException")
    return new ProvisioningError(`secret ${secret} cannot be used (${message}); restore it if it is scheduled for deletion`);
  if (isOutOfReach(error))
    return new ProvisioningError(
      "Secrets Manager does not answer; give the private subnets a way to it: a NAT gateway, secretsManagerEndpoint: true, or the group of an existing endpoint in existingSecretsManagerEndpoint",
    );
  return error;
}

const OUT_OF_REACH = ["ETIMEDOUT", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"];

/** Whether nothing answered: a name that does not resolve, or no way through the network. */
export const isOutOfReach = (error: unknown): boolean => {
  const { name, code } = error as { readonly name?: string; readonly code?: string };
  return name === "TimeoutError" || OUT_OF_REACH.includes(code ?? "");
};

/**
 * Platform secrets in AWS Secrets Manager: the current version is the one to use, AWSPREVIOUS the one before.
 *
 * @param arns of the secrets, by the id that a tenant has for its own.
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
    return { current: current.credential, previous: (await readVersion(this.client, arn, "AWSPREVIOUS"))?.credential ?? null };
  }

  async write(secret: string, { username, password }: Credential, forget = false): Promise<void> {
    const arn = this.arnOf(secret);
    // One token for all tries of this call: a try whose answer was lost must not make a second version.
    const version = { SecretId: arn, SecretString: JSON.stringify({ username, password }), ClientRequestToken: randomUUID() };
    await ask(arn, this.client.send(new PutSecretValueCommand(version)));
    if (forget) await this.forgetPrevious(arn);
  }

  private async forgetPrevious(arn: string): Promise<void> {
    const previous = await readVersion(this.client, arn, "AWSPREVIOUS");
    if (previous === null) return;
    const change = { SecretId: arn, VersionStage: "AWSPREVIOUS", RemoveFromVersionId: previous.id };
    await ask(arn, this.client.send(new UpdateSecretVersionStageCommand(change)));
  }

  private arnOf(secret: string): string {
    const arn = this.arns[secret];
    if (arn === undefined) throw new ProvisioningError(`no secret of AWS is known for ${secret}; deploy the environment again`);
    return arn;
  }
}
