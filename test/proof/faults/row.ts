/** What was tried on one server, and what came of it. */
export interface Row {
  readonly kind: string;
  readonly tries: number;
  /** Figures, or why it was not tried. */
  readonly shown: string;
  /** Why the promise does not hold; null if it does. */
  readonly problem: string | null;
}

/** Where it could not be tried here. */
export const NOT_TRIED = 0;

export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;

/** The first few problems of many tries. */
export function problemOf(problems: readonly string[]): string | null {
  if (problems.length === 0) return null;
  return `${problems.slice(0, 5).join("\n")}${problems.length > 5 ? `\nand ${problems.length - 5} more` : ""}`;
}
