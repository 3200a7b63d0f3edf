import { createInterface } from "node:readline/promises";
import { UserError } from "../constructs/model/errors";

/** Asks for a yes. @param instead what to do if nobody can answer: a sentence. */
export async function confirm(question: string, instead: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new UserError(instead);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  prompt.on("SIGINT", () => {
    process.stderr.write("\n");
    process.kill(process.pid, "SIGINT");
  });
  const answer = await prompt.question(`${question} [y/N] `).finally(() => prompt.close());
  return /^y(es)?$/i.test(answer.trim());
}
