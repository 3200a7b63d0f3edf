import { UserError } from "../../model/errors";
import type { Patience } from "../../provisioning/connect";
import { ProvisioningError } from "../../provisioning/errors";

/** What Lambda passes to a function. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface Context {
  getRemainingTimeInMillis(): number;
}

/** Milliseconds before Lambda's own timeout. Then the function stops retrying, and reports what it waits for. */
const LAST_WORDS = 5_000;
const LAST_TRY = 30_000;

/**
 * Runs something within the function's time. Errors become one sentence without a stack, because CloudFormation and Secrets Manager show
 * them to a person.
 */
export async function withinTime<T>(context: Context, run: (patience: Patience) => Promise<T>): Promise<T> {
  const remaining = context.getRemainingTimeInMillis();
  let waiting = "the database has not answered";
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    const give = () =>
      reject(new ProvisioningError(`not finished within ${Math.round(remaining / 1000)} s: ${waiting}; run it again to continue`));
    timer = setTimeout(give, Math.max(remaining - LAST_WORDS, 0));
  });
  const onRetry = (sentence: string) => {
    waiting = sentence;
    console.log(`waiting: ${sentence}`);
  };
  try {
    return await Promise.race([run({ deadlineMs: Math.max(remaining - LAST_TRY, 0), onRetry, isFresh: true }), end]);
  } catch (error) {
    throw toPlain(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Removes the stack trace of a user error; a defect keeps it. */
function toPlain(error: unknown): unknown {
  if (error instanceof UserError) error.stack = error.name;
  return error;
}
