/** A step that takes a while. */
export interface Step {
  readonly what: string;
  /** Milliseconds of the clock, when it began. */
  readonly since: number;
  /** Characters of the terminal's line; null where there is no terminal. */
  readonly columns: number | null;
  /** What stands before it, with `%` for the picture that moves. */
  readonly frame: string;
}

/** Places in the memory that both threads see: a lock on the output, and the number of the step that is shown, or 0. */
export const LOCK = 0;
export const SHOWN = 1;

/** Milliseconds between two pictures. */
const PACE = 80;
/** Seconds after which a terminal shows how long a step has taken. */
const ELAPSED = 2;
/** Seconds after which a line says that a step goes on where there is no terminal; then again each time the last of these has passed. */
const NOTICES = [10, 30, 60];

/**
 * The thread that draws progress, as a text, so that it is found however a command is bundled. Its own `process.stderr` would wait for the
 * main thread.
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
