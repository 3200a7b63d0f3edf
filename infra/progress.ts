import pc from "picocolors";

/** What a command is doing: a moving line at a terminal, a line for each finished step elsewhere. */
export interface Progress {
  doing(what: string): void;
  done(what: string): void;
  /** A line of its own, at a terminal or not. */
  note(what: string): void;
  /** Ends the moving line, if there is one. */
  stop(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MILLISECONDS = 80;
const CLEAR_LINE = "\r\u001b[2K";

/**
 * Own code, because the packages for it end the process themselves at Ctrl-C, and a server would stay behind.
 *
 * @param output a terminal, or a file or pipe.
 */
export function createProgress(output: NodeJS.WriteStream = process.stderr): Progress {
  let last = Date.now();
  let timer: NodeJS.Timeout | null = null;
  const stop = () => {
    if (timer === null) return;
    clearInterval(timer);
    timer = null;
    output.write(CLEAR_LINE);
  };
  return {
    doing: (what) => {
      stop();
      if (output.isTTY !== true) return;
      let frame = 0;
      const draw = () => {
        frame = (frame + 1) % FRAMES.length;
        output.write(`${CLEAR_LINE}${pc.cyan(FRAMES[frame] ?? "")} ${what.slice(0, Math.max(10, (output.columns || 80) - 4))}`);
      };
      draw();
      timer = setInterval(draw, FRAME_MILLISECONDS);
      timer.unref();
    },
    done: (what) => {
      stop();
      const seconds = ((Date.now() - last) / 1000).toFixed(1);
      last = Date.now();
      output.write(`${pc.green("✔")} ${what} ${pc.dim(`${seconds} s`)}\n`);
    },
    note: (what) => {
      stop();
      output.write(`${what}\n`);
    },
    stop,
  };
}
