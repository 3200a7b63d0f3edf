/** Severity of a change, the worst first. */
export const LEVELS = ["lost", "refused", "outage", "cost", "other"] as const;
export type Level = (typeof LEVELS)[number];

/** Levels for which a plan exits with code 2. */
const DANGEROUS: readonly Level[] = ["lost", "refused"];

/** A change by a deployment. */
export interface Change {
  readonly level: Level;
  /** In the spec's words, such as `instances.main.storageGib`; the resource's name if no setting decides it. */
  readonly path: string;
  /** The current value, in the spec's words; null if there is none. */
  readonly before: string | null;
  /** The new value; null if there would be none. */
  readonly after: string | null;
  /** The effect, a sentence. */
  readonly effect: string;
  /** What to do instead, or in addition; empty if there is nothing to do. */
  readonly remedy: string;
}

export const isDanger = ({ level }: Pick<Change, "level">): boolean => DANGEROUS.includes(level);

/** Sorts the worst first; the order within a level stays. */
export const worstFirst = (changes: readonly Change[]): readonly Change[] =>
  [...changes].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));

/** Returns `path: before -> after`, or only the path if something is added or removed as a whole. */
export function toHeading({ path, before, after }: Pick<Change, "path" | "before" | "after">): string {
  if (before === null && after === null) return path;
  return `${path}: ${before ?? "nothing"} -> ${after ?? "nothing"}`;
}

/** The remedy for something that was removed from the spec. @param path in the spec. */
export const keep = (path: string): string =>
  path.startsWith("platforms.") ? "keep it in the spec, or remove it as docs/how-to/remove-a-platform.md describes" : "keep it in the spec";

/** A change of something as a whole. */
export const toChange = (level: Level, path: string, effect: string, remedy = ""): Change => ({
  level,
  path,
  before: null,
  after: null,
  effect,
  remedy,
});

/** Removes duplicates. */
export const withoutRepetition = (changes: readonly Change[]): readonly Change[] => [
  ...new Map(changes.map((change) => [JSON.stringify(change), change])).values(),
];

/** Merges changes that have the same effect. */
export interface Alike extends Pick<Change, "level" | "effect" | "remedy"> {
  readonly changes: readonly Change[];
}

/** Groups changes with the same effect, in the order of the first. */
export function joinAlike(changes: readonly Change[]): readonly Alike[] {
  const groups = new Map<string, readonly Change[]>();
  for (const change of changes) {
    const key = change.effect === "" ? "" : `${change.effect} ${change.remedy}`;
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].map((those) => ({
    level: those[0]?.level ?? "other",
    effect: those[0]?.effect ?? "",
    remedy: those[0]?.remedy ?? "",
    changes: those,
  }));
}
