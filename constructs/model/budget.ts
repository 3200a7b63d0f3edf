import type { Violation } from "./errors";
import type { Demand } from "./platform";

/** Returns the most connections that one opener has at a time. */
export function peakOf({ pool, processes, replicas, overlaps, migration }: Demand): number {
  return pool * processes * replicas * (overlaps ? 2 : 1) + migration;
}

/** Returns the most connections of a platform. It is also the limit of each login, because pods move from one to the other during a rotation. */
export function peak(demands: readonly Demand[]): number {
  return demands.reduce((sum, demand) => sum + peakOf(demand), 0);
}

export interface Budget {
  readonly maxConnections: number;
  readonly reserved: number;
  /** Peak by platform. */
  readonly peaks: Readonly<Record<string, number>>;
  /** Of all platforms together. */
  readonly used: number;
  /** What is left for people; negative if the platforms do not fit. */
  readonly free: number;
}

export function budget(maxConnections: number, reserved: number, peaks: Readonly<Record<string, number>>): Budget {
  const used = Object.values(peaks).reduce((sum, value) => sum + value, 0);
  return { maxConnections, reserved, peaks, used, free: maxConnections - reserved - used };
}

/**
 * Rejects a server whose platforms could open more connections than it has.
 *
 * @param remedies each is sufficient alone, cheapest first.
 * @param where ` of the server`, if it is not the one at `path`.
 */
export function checkBudget(
  { maxConnections, reserved, peaks, free }: Budget,
  path: string,
  remedies: () => readonly string[],
  where = "",
): readonly Violation[] {
  if (free >= 0) return [];
  const shares = Object.entries(peaks)
    .sort(([, a], [, b]) => b - a)
    .map(([platform, connections]) => `${platform} ${connections}`);
  const needed = maxConnections - free;
  return [
    {
      path,
      rule: `max_connections${where} must be at least ${needed} (${shares.join(" + ")} + reserved ${reserved})`,
      got: String(maxConnections),
      remedy: toAdvice(remedies()),
    },
  ];
}

const toAdvice = (remedies: readonly string[]): string => (remedies.length === 0 ? "" : `cheapest first: ${remedies.join("; or ")}`);
