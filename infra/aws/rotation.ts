import { InvokeCommand, type InvokeCommandOutput, LambdaClient } from "@aws-sdk/client-lambda";
import type { RenewalEvent } from "../../constructs/aws/functions/by-hand";
import { isUnauthenticated, sayUnauthenticated } from "../../constructs/aws/secrets-manager-store";
import { ROTATION_SECONDS } from "../../constructs/aws/task";
import { UserError } from "../../constructs/model/errors";
import { describeRenewed, type Renewed } from "../../constructs/provisioning/renewal";
import { isOutOfReach } from "../../constructs/provisioning/stored-secret";
import type { RenewalReport } from "../cloud";

/** Timeouts for a connection to Lambda and for the function's answer, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;
const ANSWER_TIMEOUT = (ROTATION_SECONDS + 30) * 1000;

/** Lambda's answer if a function has failed. */
interface Failure {
  readonly errorType?: string;
  readonly errorMessage?: string;
}

/**
 * Invokes the rotation function to renew a platform's password. Invokes it only once, because it may have run even if its answer is lost.
 *
 * @param arn ARN of the function.
 * @param deploy the instruction that deploys the environment.
 * @throws UserError
 */
export async function invokeRotation(
  platform: string,
  arn: string,
  event: RenewalEvent,
  { region, deploy }: { readonly region: string; readonly deploy: string },
): Promise<RenewalReport> {
  const requestHandler = { connectionTimeout: CONNECTION_TIMEOUT, requestTimeout: ANSWER_TIMEOUT, throwOnRequestTimeout: true };
  const client = new LambdaClient({ region, requestHandler, maxAttempts: 1 });
  const answer = await client.send(new InvokeCommand({ FunctionName: arn, Payload: JSON.stringify(event) })).catch((error) => {
    throw explain(error, arn, deploy);
  });
  const content = parse(answer);
  if (answer.FunctionError !== undefined) throw toFault((content ?? {}) as Failure, arn, deploy);
  const renewed = content as Renewed;
  return { sentences: describeRenewed(platform, renewed), isDone: renewed.unproved === null };
}

const parse = ({ Payload }: InvokeCommandOutput): unknown => JSON.parse(Buffer.from(Payload ?? []).toString() || "null");

/** Returns the function's sentence; for other failures, the place to look. */
function toFault({ errorType = "", errorMessage = "" }: Failure, arn: string, deploy: string): UserError {
  if (/^(Provisioning|User)Error$/.test(errorType)) return new UserError(errorMessage);
  return new UserError(`function ${arn} failed (${errorType}: ${errorMessage}); see its log. If it has an earlier version, ${deploy}`);
}

const CONNECT_YOURSELF = "add --via HOST:PORT to connect with your own credentials";

/** Describes an error of Lambda in one sentence. */
function explain(error: unknown, arn: string, deploy: string): UserError {
  const { name = "", message = "" } = error as { readonly name?: string; readonly message?: string };
  if (name === "AccessDeniedException")
    return new UserError(
      `you have no permission to invoke function ${arn} (${message}); grant lambda:InvokeFunction on it, or ${CONNECT_YOURSELF}`,
    );
  if (name === "ResourceNotFoundException") return new UserError(`there is no function ${arn}; ${deploy}`);
  if (isUnauthenticated(name) || name === "UnrecognizedClientException") return new UserError(sayUnauthenticated(message));
  if (isOutOfReach(error))
    return new UserError(
      `Lambda does not answer, but the function may have run; check the network and run this again, or ${CONNECT_YOURSELF}`,
    );
  return new UserError(`Lambda did not run function ${arn} (${name}: ${message}); run this again, or ${CONNECT_YOURSELF}`);
}
