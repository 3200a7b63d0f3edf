import { createProgress } from "../../infra/progress";

/** One for a whole proof, whose thread draws while this one waits for programs. */
const progress = createProgress("", process.stderr, true);
/** What is going on, the innermost last. */
const steps: string[] = [];

/** Shows what is going on, until it is finished; then what it was a part of. Returns what finishes it. */
export function begin(what: string): () => void {
  steps.push(what);
  progress.doing(what);
  return () => {
    steps.splice(steps.lastIndexOf(what), 1);
    progress.stop();
    const outer = steps.at(-1);
    if (outer !== undefined) progress.doing(outer);
  };
}

/** Says that the user has stopped it. */
export const stopped = (): void => progress.stop(true);
