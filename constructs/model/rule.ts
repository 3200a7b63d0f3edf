import type { Violation } from "./errors";
import { ifReadable } from "./unreadable";

/** *error*: the vendor rejects it, or it has destroyed data. *acknowledge*: refused until the spec gives a reason. *warning*: shown, with the reason if the spec gives one. */
export const SEVERITIES = ["error", "acknowledge", "warning"] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * A rule as data. One test runs every rule's examples, so a rule cannot be added without showing what it refuses.
 *
 * `Subject` is what is checked, complete; `Example` is what a person would write, which the test completes first.
 */
export interface Rule<Subject, Example> {
  /** Kebab-case, unique, prefixed by what it is about: `prefect-replicas-need-redis`. */
  readonly id: string;
  /** The vendor's page, or the file that says so. */
  readonly source: `https://${string}`;
  /** What happens without it, in a sentence: who refuses it, or what is lost. */
  readonly why: string;
  /** When the source was last read, `YYYY-MM-DD`. */
  readonly date: string;
  readonly severity: Severity;
  /** Returns what is wrong with the subject, which stands at `path` in the spec. */
  check(subject: Subject, path: string): readonly Violation[];
  readonly passing: Example;
  readonly failing: Example;
}

/** What a rule found. */
export interface Finding {
  readonly severity: Severity;
  readonly violation: Violation & { readonly id: string };
}

/** Checks every rule; one that reads a malformed setting finds nothing, because that has been reported. */
export function checkRules<Subject>(rules: readonly Rule<Subject, unknown>[], subject: Subject, path: string): readonly Finding[] {
  return rules.flatMap((rule) =>
    ifReadable(() => rule.check(subject, path), []).map((found) => ({ severity: rule.severity, violation: { ...found, id: rule.id } })),
  );
}

/** As `checkEach`, for a list. */
export function checkItems<T>(list: readonly T[], check: (item: T, index: number) => readonly Violation[]): readonly Violation[] {
  return [...list.keys()].flatMap((index) => ifReadable(() => check(list[index] as T, index), []));
}

/** What is wrong with each entry of a map, where a malformed one hides nothing of the others. */
export function checkEach<V>(
  map: Readonly<Record<string, V>>,
  check: (value: V, key: string) => readonly Violation[],
): readonly Violation[] {
  return Object.entries(map).flatMap(([key, value]) => ifReadable(() => check(value, key), []));
}
