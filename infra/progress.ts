import { Worker } from "node:worker_threads";
import pc from "picocolors";
import { LOCK, SHOWN, type Step, THREAD } from "./progress-thread";

/** Shows progress: at a terminal a moving line, elsewhere a line for each finished step. */
export interface Progress {
  doing(what: string): void;
  done(what: string): void;
  /** Prints a separate line, with or without a terminal. */
  note(what: string): void;
  /** Ends the moving line, if there is one. @param byUser whether the user stops the command; then it prints a last message. */
  stop(byUser?: boolean): void;
}

/** A terminal, or a file or pipe. */
export type Output = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns"> & { readonly fd: number };

/** Milliseconds after which a step gets a line without a terminal. Few steps do, so the thread starts late. */
const LATE = 2_000;
const CLEAR_LINE = "\r\u001b[2K";

/**
 * Not a package, because those end the process at Ctrl-C, and a server would keep running. A thread draws, so that the line moves while
 * this one computes or waits for a program.
 *
 * @param stopped the message after Ctrl-C.
 * @param isBusy whether this thread will be busy, so that timers do not run.
 */
export function createProgress(stopped = "", output: Output = process.stderr as NodeJS.WriteStream & Output, isBusy = false): Progress {
  const isTerminal = output.isTTY === true;
  let last = Date.now();
  let line: Line | null = null;
  let late: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const write = (text: string) => {
    if (!hasEnded) output.write(text);
  };
  const stop = (byUser = false) => {
    clearTimeout(late);
    if (line?.hide() === true && isTerminal) write(CLEAR_LINE);
    if (!byUser) return;
    write(`${pc.red("✖")} stopped${stopped === "" ? "" : `; ${stopped}`}\n`);
    hasEnded = true;
  };
  return {
    doing: (what) => {
      stop();
      if (hasEnded) return;
      const step: Step = { what, since: Date.now(), columns: isTerminal ? output.columns || 80 : null, frame: pc.cyan("%") };
      const show = () => {
        line ??= createLine(output.fd);
        line.show(step);
      };
      if (isTerminal || isBusy) show();
      else late = setTimeout(show, LATE).unref();
    },
    done: (what) => {
      stop();
      const seconds = ((Date.now() - last) / 1000).toFixed(1);
      last = Date.now();
      write(`${pc.green("✔")} ${what} ${pc.dim(`${seconds} s`)}\n`);
    },
    note: (what) => {
      stop();
      write(`${what}\n`);
    },
    stop,
  };
}

/** Draws a step in the thread. */
interface Line {
  show(step: Step): void;
  /** Stops drawing. Returns whether there was a line. The thread writes nothing afterwards. */
  hide(): boolean;
}

function createLine(fd: number): Line {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const thread = new Worker(THREAD, { eval: true, workerData: { fd, state } });
  // A command must not fail because of its progress.
  thread.on("error", () => undefined);
  thread.unref();
  const locked = <T>(run: () => T): T => {
    while (Atomics.compareExchange(state, LOCK, 0, 1) !== 0) Atomics.wait(state, LOCK, 1, 5);
    const result = run();
    Atomics.store(state, LOCK, 0);
    return result;
  };
  let steps = 0;
  return {
    show: (step) => {
      steps += 1;
      locked(() => Atomics.store(state, SHOWN, steps));
      thread.postMessage({ ...step, number: steps });
    },
    hide: () => locked(() => Atomics.exchange(state, SHOWN, 0)) !== 0,
  };
}
