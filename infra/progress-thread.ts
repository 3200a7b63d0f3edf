/** A step that takes a while. */
export interface Step {
  readonly what: string;
  /** When it began, in milliseconds of the clock. */
  readonly since: number;
  /** Characters of the terminal's line; null without a terminal. */
  readonly columns: number | null;
  /** Its prefix, with `%` for the spinner. */
  readonly frame: string;
}

/** Indexes in the shared memory: a lock on the output, and the number of the shown step, or 0. */
export const LOCK = 0;
export const SHOWN = 1;

/** Milliseconds between two frames of the spinner. */
const PACE = 80;
/** Seconds after which a terminal shows a step's duration. */
const ELAPSED = 2;
/** Seconds after which a line reports a running step without a terminal. The last interval repeats. */
const NOTICES = [10, 30, 60];

/**
 * The thread that draws progress, as a text, so that every bundle contains it. Its `process.stderr` would wait for the main thread.
 */
export const THREAD = `
const { writeSync } = require("node:fs");
const { parentPort, workerData: { fd, state } } = require("node:worker_threads");
const FRAMES = [..."⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"];
let step = null, frame = 0, told = 0;
const text = (seconds) => {
  if (step.columns === null) {
    const next = told < ${NOTICES.length} ? ${JSON.stringify(NOTICES)}[told] : (told - ${NOTICES.length - 2}) * ${NOTICES.at(-1)};
    if (seconds < next) return "";
    told += 1;
    return "  " + step.what + ": " + seconds + " s so far\\n";
  }
  const elapsed = seconds < ${ELAPSED} ? "" : " " + seconds + " s";
  frame = (frame + 1) % FRAMES.length;
  return "\\r\\u001b[2K" + step.frame.replace("%", FRAMES[frame]) + " " + step.what.slice(0, Math.max(10, step.columns - 4 - elapsed.length)) + elapsed;
};
const draw = () => {
  if (step === null || Atomics.compareExchange(state, ${LOCK}, 0, 1) !== 0) return;
  try {
    if (Atomics.load(state, ${SHOWN}) === step.number) writeSync(fd, text(Math.floor((Date.now() - step.since) / 1000)));
  } catch {}
  Atomics.store(state, ${LOCK}, 0);
  Atomics.notify(state, ${LOCK});
};
parentPort.on("message", (next) => {
  step = next;
  told = 0;
  draw();
});
setInterval(draw, ${PACE});
`;
