import { backOff } from "exponential-backoff";
import { isOutOfReach } from "../provisioning/stored-secret";

/** OAuth scope of every call. */
export const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** Milliseconds for one response. */
export const TIMEOUT = 10_000;

/** Returns the HTTP status of a failed call; 0 without a response. */
export function statusOf(error: unknown): number {
  const { response, status } = error as { readonly response?: { readonly status?: number }; readonly status?: unknown };
  return response?.status ?? (typeof status === "number" ? status : 0);
}

/** Returns the message of Google or Kubernetes on one line. It quotes no content of a secret. */
export function messageOf(error: unknown): string {
  const { response } = error as { readonly response?: { readonly data?: unknown } };
  const data = (response?.data ?? {}) as { readonly message?: string; readonly error?: { readonly message?: string } };
  const message = data.error?.message ?? data.message ?? (error instanceof Error ? error.message : String(error));
  return message.split("\n")[0] ?? "";
}

export const isUnauthenticated = (error: unknown): boolean =>
  statusOf(error) === 401 || /credentials|invalid_grant|metadata/i.test(messageOf(error));

/** Whether the service itself failed, or throttles. */
export const isOverloaded = (error: unknown): boolean => statusOf(error) === 429 || statusOf(error) >= 500;

/** Whether an error is temporary. */
export const passes = (error: unknown): boolean => isOverloaded(error) || isOutOfReach(error);

interface Persistence {
  /** Milliseconds during which a call is retried. */
  readonly deadlineMs: number;
  readonly passes: (error: unknown) => boolean;
  /** Returns an error as one sentence. */
  readonly explain: (error: unknown) => Error;
  readonly onRetry?: ((sentence: string) => void) | undefined;
}

/** Retries a call while its errors are temporary. @throws Error from `explain` */
export async function persist<T>(run: () => Promise<T>, { deadlineMs, passes, explain, onRetry }: Persistence): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  const retry = (error: unknown): boolean => {
    if (!passes(error) || performance.now() >= deadline) return false;
    onRetry?.(explain(error).message);
    return true;
  };
  try {
    return await backOff(run, { numOfAttempts: Number.MAX_SAFE_INTEGER, startingDelay: 200, maxDelay: 10_000, jitter: "full", retry });
  } catch (error) {
    throw explain(error);
  }
}
