/** How bad a change is, the worst first. */
export const LEVELS = ["lost", "refused", "outage", "cost", "other"] as const;
export type Level = (typeof LEVELS)[number];

/** Levels for which a plan ends with exit code 2. */
const DANGEROUS: readonly Level[] = ["lost", "refused"];

/** What a deployment would change. */
export interface Change {
  readonly level: Level;
  /** In the spec's words, such as `instances.main.storageGib`; the resource's own name where no setting decides it. */
  readonly path: string;
  /** What is there, in the spec's words; null where there was nothing. */
  readonly before: string | null;
  /** What there would be; null where it would be gone. */
  readonly after: string | null;
  /** What happens, a sentence. */
  readonly effect: string;
  /** What to do instead, or besides; empty where there is nothing to do. */
  readonly remedy: string;
}

export const isDanger = ({ level }: Pick<Change, "level">): boolean => DANGEROUS.includes(level);

/** The worst first; those of one level stay in their order. */
export const worstFirst = (changes: readonly Change[]): readonly Change[] =>
  [...changes].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));

/** `path: before -> after`, or the path alone where it is something that comes or goes. */
export function toHeading({ path, before, after }: Pick<Change, "path" | "before" | "after">): string {
  if (before === null && after === null) return path;
  return `${path}: ${before ?? "nothing"} -> ${after ?? "nothing"}`;
}

/** What to do about something that a spec no longer has. @param path in the spec. */
export const keep = (path: string): string =>
  path.startsWith("platforms.") ? "keep it in the spec, or remove it as docs/how-to/remove-a-platform.md says" : "keep it in the spec";

/** A change of something as a whole. */
export const toChange = (level: Level, path: string, effect: string, remedy = ""): Change => ({
  level,
  path,
  before: null,
  after: null,
  effect,
  remedy,
});

/** Without what is said twice. */
export const withoutRepetition = (changes: readonly Change[]): readonly Change[] => [
  ...new Map(changes.map((change) => [JSON.stringify(change), change])).values(),
];

/** Changes that do the same, as one. */
export interface Alike extends Pick<Change, "level" | "effect" | "remedy"> {
  readonly changes: readonly Change[];
}

/** Those with the same effect together, in the order of the first. */
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
