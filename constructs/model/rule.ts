import type { Violation } from "./errors";
import { ifReadable } from "./unreadable";

/** *error*: the vendor rejects it, or it has destroyed data. *acknowledge*: rejected until the spec gives a reason. *warning*: shown, with the reason if the spec gives one. */
export const SEVERITIES = ["error", "acknowledge", "warning"] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * A rule as data. One test runs every rule's examples, so every rule shows what it rejects.
 *
 * `Subject` is the complete value to check; `Example` is what a person would write, which the test completes first.
 */
export interface Rule<Subject, Example> {
  /** Unique, in kebab-case, prefixed with its subject: `prefect-replicas-need-redis`. */
  readonly id: string;
  /** The vendor's page or file that proves it. */
  readonly source: `https://${string}`;
  /** What happens without the rule, in a sentence: who rejects the setting, or what is lost. */
  readonly why: string;
  /** When the source was last read, `YYYY-MM-DD`. */
  readonly date: string;
  readonly severity: Severity;
  /** Returns the violations of the subject, which is at `path` in the spec. */
  check(subject: Subject, path: string): readonly Violation[];
  readonly passing: Example;
  readonly failing: Example;
}

/** What a rule found. */
export interface Finding {
  readonly severity: Severity;
  readonly violation: Violation & { readonly id: string };
}

/** Checks every rule; a rule that reads a malformed setting finds nothing, because that has been reported. */
export function checkRules<Subject>(rules: readonly Rule<Subject, unknown>[], subject: Subject, path: string): readonly Finding[] {
  return rules.flatMap((rule) =>
    ifReadable(() => rule.check(subject, path), []).map((found) => ({ severity: rule.severity, violation: { ...found, id: rule.id } })),
  );
}

/** Like `checkEach`, for a list. */
export function checkItems<T>(list: readonly T[], check: (item: T, index: number) => readonly Violation[]): readonly Violation[] {
  return [...list.keys()].flatMap((index) => ifReadable(() => check(list[index] as T, index), []));
}

/** Checks each entry of a map; a malformed entry does not hide violations of the others. */
export function checkEach<V>(
  map: Readonly<Record<string, V>>,
  check: (value: V, key: string) => readonly Violation[],
): readonly Violation[] {
  return Object.entries(map).flatMap(([key, value]) => ifReadable(() => check(value, key), []));
}
