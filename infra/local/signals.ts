import { constants } from "node:os";

export interface Signals {
  /** Resolves at the next signal, which does not end the process. */
  readonly next: () => Promise<void>;
  readonly isStopping: () => boolean;
  /** Whether a signal ends the process once everything is stopped. */
  readonly isEnding: () => boolean;
  readonly forget: () => void;
}

/** Milliseconds between two checks of the parent process. */
const PARENT_LOOK = 500;

/** The process that started this one: npm, or its shell, which ends when npm gets SIGTERM. */
const PARENT = process.ppid;

/** Signal handlers. Only the last one runs: it started what has to be stopped. */
const handlers: ((signal: NodeJS.Signals) => void)[] = [];

/**
 * Unless `next` waits for one, a signal stops the servers cleanly, then ends the process with the signal's exit code. The end of npm counts
 * as SIGTERM, because npm may be killed without a signal to this process.
 *
 * @param onEnd called first if a signal ends the process.
 */
export function handleSignals(stop: () => Promise<void>, onEnd: () => void = () => undefined): Signals {
  let waiting: (() => void) | null = null;
  let alive: NodeJS.Timeout | undefined;
  let isStopping = false;
  const handle = (signal: NodeJS.Signals) => {
    // Further signals must not interrupt the stop.
    if (isStopping || handlers.at(-1) !== handle) return;
    isStopping = true;
    if (waiting !== null) return waiting();
    onEnd();
    void stop().finally(() => process.exit(128 + constants.signals[signal]));
  };
  handlers.push(handle);
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, handle);
  const watch =
    process.env.npm_lifecycle_event === undefined
      ? undefined
      : setInterval(() => process.ppid !== PARENT && handle("SIGTERM"), PARENT_LOOK);
  watch?.unref();
  return {
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
        // A waiting promise alone does not keep the process alive.
        alive = setInterval(() => undefined, 1 << 30);
      }),
    isStopping: () => isStopping,
    isEnding: () => isStopping && waiting === null,
    forget: () => {
      handlers.splice(handlers.lastIndexOf(handle), 1);
      clearInterval(alive);
      clearInterval(watch);
      for (const name of names) process.off(name, handle);
    },
  };
}
