export interface Signals {
  /** Resolves at the next signal, which then does not end the process. */
  readonly next: () => Promise<void>;
  readonly isStopping: () => boolean;
  readonly forget: () => void;
}

/** Milliseconds between two looks at the parent process. */
const PARENT_LOOK = 500;

/** The process that started this one: npm, or its shell, which ends when npm gets SIGTERM. */
const PARENT = process.ppid;

/**
 * Until somebody waits for one, a signal stops the servers cleanly and ends the process as the signal would have. The end of npm counts
 * as SIGTERM, because npm may be killed without a signal to this process.
 */
export function handleSignals(stop: () => Promise<void>): Signals {
  let waiting: (() => void) | null = null;
  let alive: NodeJS.Timeout | undefined;
  let isStopping = false;
  const handle = (signal: NodeJS.Signals) => {
    // Impatient further signals must not interrupt the stop.
    if (isStopping) return;
    isStopping = true;
    if (waiting !== null) waiting();
    else void stop().finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
  };
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
    forget: () => {
      clearInterval(alive);
      clearInterval(watch);
      for (const name of names) process.off(name, handle);
    },
  };
}
