export interface Signals {
  /** Resolves at the next signal, which then does not end the process. */
  readonly next: () => Promise<void>;
  readonly isStopping: () => boolean;
  readonly forget: () => void;
}

/** Until somebody waits for one, a signal stops the servers cleanly and ends the process as the signal would have. */
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
      for (const name of names) process.off(name, handle);
    },
  };
}
