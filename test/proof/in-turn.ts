import pc from "picocolors";
import { handleSignals } from "../../infra/local/signals";
import { begin, stopped } from "./progress";
import { MissingTool } from "./tools";

/** A proof that does not hold. Those after it would build on it. */
class Broken extends Error {}

/** Shows what is proven, what was seen, and how long it took. */
export type Prove = (what: string, run: () => Promise<string>) => Promise<void>;
/** What has to be undone, the last first. */
export type Undo = (() => unknown)[];

/**
 * Proves one thing after the other, up to the first that does not hold. Exit code 1 where one does not, 2 where it cannot be tried here.
 */
export async function inTurn(proveAll: (prove: Prove, undo: Undo) => Promise<void>): Promise<void> {
  const undo: Undo = [];
  let undoing: Promise<void> | undefined;
  const undoAll = () => {
    undoing ??= (async () => {
      for (let next = undo.pop(); next !== undefined; next = undo.pop()) await next();
    })();
    return undoing;
  };
  const signals = handleSignals(undoAll, stopped);
  let held = 0;
  const prove: Prove = async (what, run) => {
    const start = performance.now();
    const finish = begin(what);
    try {
      const shown = await run().finally(finish);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      process.stdout.write(`${pc.green("✔")} ${what} ${pc.dim(`${seconds} s`)}\n    ${pc.dim(shown)}\n`);
      held++;
    } catch (error) {
      if (error instanceof MissingTool) throw error;
      throw new Broken(`${what}\n${error instanceof Error ? error.message : error}`);
    }
  };
  try {
    await proveAll(prove, undo);
    process.stdout.write(`${held} proofs hold\n`);
  } catch (error) {
    if (signals.isStopping()) return;
    const isMissing = error instanceof MissingTool;
    if (!isMissing && !(error instanceof Broken)) throw error;
    process.stderr.write(`${pc.red("✖")} ${isMissing ? "this proof cannot run here: " : ""}${error.message}\n`);
    process.exitCode = isMissing ? 2 : 1;
  } finally {
    await undoAll();
    signals.forget();
  }
}

/** Runs what needs a tool, or says that it did not. */
export async function whereThere(what: string, proveSome: () => Promise<void>): Promise<void> {
  try {
    await proveSome();
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error;
    process.stdout.write(`${pc.yellow("!")} not proven, ${what}: ${error.message}\n`);
    process.exitCode = 2;
  }
}
