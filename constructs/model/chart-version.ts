import type { Chart } from "./platform";

const COMMIT = /^[0-9a-f]{40}$/;
const NUMBERS = /^(v?)((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2})$/;

/** Returns major, minor and patch; null for a commit, and for anything else that is not a version with the prefix of a known version. */
function numbersOf(version: string, known: string): readonly number[] | null {
  const [, prefix, numbers] = NUMBERS.exec(version) ?? [];
  const [, its] = NUMBERS.exec(known) ?? [];
  return numbers === undefined || prefix !== its ? null : numbers.split(".").map(Number);
}

/** Negative where a is older than b, positive where it is newer. */
function compare(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((number, index) => number !== b[index]);
  return differing === -1 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0);
}

/**
 * Whether a version can have the known keys: it is not older than the oldest of its line. Its line is the newest one whose
 * major is not newer than its own.
 */
export function isSupported(version: string, { supported: { oldest, commits = false } }: Chart): boolean {
  if (commits && COMMIT.test(version)) return true;
  const numbers = numbersOf(version, oldest[0]);
  if (numbers === null) return false;
  const lines = oldest.map((each) => numbersOf(each, each) ?? []);
  const line = lines.find(([major = 0]) => major <= (numbers[0] ?? 0));
  return line !== undefined && compare(numbers, line) >= 0;
}

/** Whether a version is newer than a known one; false if their order is unknown. */
export function isNewer(version: string, known: string): boolean {
  const its = numbersOf(version, known);
  const other = numbersOf(known, known);
  return its !== null && other !== null && compare(its, other) > 0;
}
