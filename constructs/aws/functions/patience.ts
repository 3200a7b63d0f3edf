import { backOff } from "exponential-backoff";
import type { Patience } from "../../provisioning/connect";
import { isOutOfReach } from "../../provisioning/stored-secret";

/** The part of a client's middleware that is used here; the SDK's own type depends on every call of the client. */
interface Middleware {
  add(around: (next: Send) => Send, options: { readonly step: "initialize"; readonly name: string }): void;
}
type Send = (request: unknown) => Promise<unknown>;

/** Errors with which AWS rejects a role that is not known everywhere yet: IAM is eventually consistent. */
const NOT_YET_ALLOWED =
  /^(AccessDenied(Exception)?|UnauthorizedOperation|UnrecognizedClientException|InvalidClientTokenId|NotAuthorized(Exception)?)$/;

/** Returns the name of an AWS error. */
export const nameOf = (error: unknown): string => (error as { readonly name?: string }).name ?? "";

/**
 * Whether the cause may be a very new resource: a role's permissions need seconds to minutes to be known everywhere, and an endpoint's
 * private name needs as long to resolve.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
export const isTooEarly = (error: unknown): boolean => NOT_YET_ALLOWED.test(nameOf(error)) || isOutOfReach(error);

/** Whether AWS throttles the request, or fails internally. https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html */
const isOverloaded = (error: unknown): boolean =>
  /Throttl|TooManyRequests|RequestLimitExceeded|InternalService|InternalFailure|ServiceUnavailable/.test(nameOf(error)) ||
  ((error as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0) >= 500;

/** Milliseconds before the second try, and the most between two tries. */
const PAUSES = { startingDelay: 500, maxDelay: 15_000 };

/**
 * Retries each call of a client until the deadline while AWS is overloaded, or, if `isFresh`, while AWS rejects a role or endpoint that is
 * too new. Throws other errors immediately.
 */
export function makePatient<C extends { readonly middlewareStack: object }>(
  client: C,
  { deadlineMs, onRetry, isFresh = false }: Patience,
  isPassing = isTooEarly,
): C {
  const deadline = performance.now() + deadlineMs;
  const retry = (error: unknown) => {
    const isBusy = isOverloaded(error);
    if (!(isBusy || (isFresh && isPassing(error))) || performance.now() >= deadline) return false;
    onRetry?.(`${isBusy ? "AWS is busy" : "AWS does not allow it yet or cannot be reached yet"} (${(error as Error).message})`);
    return true;
  };
  (client.middlewareStack as Middleware).add(
    (next) => (request) => backOff(() => next(request), { ...PAUSES, numOfAttempts: Number.MAX_SAFE_INTEGER, jitter: "full", retry }),
    // The first step, so that each try is signed anew.
    { step: "initialize", name: "patience" },
  );
  return client;
}
