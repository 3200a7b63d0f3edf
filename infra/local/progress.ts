import { createSpinner } from "nanospinner";
import pc from "picocolors";

/** What a command is doing: a moving line at a terminal, a line for each finished step elsewhere. */
export interface Progress {
  doing(what: string): void;
  done(what: string): void;
  /** Ends the moving line, if there is one. */
  stop(): void;
}

export function createProgress(): Progress {
  const isTerminal = process.stderr.isTTY === true;
  const spinner = isTerminal ? createSpinner("", { stream: process.stderr }) : null;
  let last = Date.now();
  const elapsed = () => {
    const seconds = ((Date.now() - last) / 1000).toFixed(1);
    last = Date.now();
    return pc.dim(`${seconds} s`);
  };
  return {
    doing: (what) => void spinner?.start({ text: what }),
    done: (what) => {
      spinner?.reset().clear();
      process.stderr.write(`${pc.green("✔")} ${what} ${elapsed()}\n`);
    },
    stop: () => void spinner?.reset().clear(),
  };
}
