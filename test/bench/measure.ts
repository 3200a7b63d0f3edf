/**
 * `npm run bench`: medians in milliseconds, each as a ratio to a baseline of the same run. Figures of a machine say little; ratios do.
 */
export interface Row {
  readonly what: string;
  readonly ours: number;
  readonly baseline: string;
  readonly theirs: number;
  readonly atMost: number | null;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((middle[0] ?? Number.NaN) + (middle[1] ?? Number.NaN)) / 2;
}

export async function timed(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** Both in turn, and first in turn, so that neither has the machine, or the emptier server, at a better time. */
export async function compare(
  rounds: number,
  ours: (round: number) => Promise<unknown> | unknown,
  theirs: (round: number) => Promise<unknown> | unknown,
): Promise<readonly [number, number]> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const turns = [async () => times[1].push(await timed(() => theirs(round))), async () => times[0].push(await timed(() => ours(round)))];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  return [median(times[0]), median(times[1])];
}
