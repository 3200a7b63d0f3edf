import type { Step } from "../../constructs/provisioning/import/copy";
import { grouped } from "../plan/words";
import type { Progress } from "../progress";

/** Milliseconds between two lines at a terminal, and elsewhere. */
const PACE = { terminal: 250, elsewhere: 10_000 } as const;

/** Shows how far a copy is: rows, rate and the time that is left. @param all rows that come. */
export function createMeter(progress: Progress, all: number, isTerminal = process.stderr.isTTY === true): (step: Step) => void {
  const pace = isTerminal ? PACE.terminal : PACE.elsewhere;
  let phase = "";
  let began = 0;
  let last = 0;
  return ({ doing, table, rows }) => {
    const now = Date.now();
    if (doing !== phase) {
      phase = doing;
      began = now;
      last = now;
      progress.doing(`${doing} ${table}`);
      return;
    }
    if (now - last < pace) return;
    last = now;
    const line = toLine(doing, table, rows, all, (now - began) / 1000);
    if (isTerminal) progress.doing(line);
    else progress.note(`  ${line}`);
  };
}

/** @param seconds since the first row. */
export function toLine(doing: Step["doing"], table: string, rows: number, all: number, seconds: number): string {
  const rate = seconds > 0 ? rows / seconds : 0;
  const done = `${doing} ${table}: ${grouped(rows)} of ${grouped(all)} rows`;
  if (rate < 1) return done;
  return `${done}, ${grouped(Math.round(rate))} rows/s, ${grouped(Math.ceil(Math.max(0, all - rows) / rate))} s left`;
}
