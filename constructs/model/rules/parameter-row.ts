import type { MajorVersion } from "../instance";
import { atParameter, setParameter } from "../parameter-values";
import type { ParameterValue } from "../parameters";
import type { Severity } from "../rule";
import { created, type InstanceRule } from "../target";

/** Chapters of PostgreSQL's manual about its parameters, as their pages are called. */
type Chapter =
  | "autovacuum"
  | "client"
  | "compatible"
  | "connection"
  | "developer"
  | "error-handling"
  | "locks"
  | "logging"
  | "query"
  | "replication"
  | "resource"
  | "statistics"
  | "wal";

/** A harmful value of one parameter: a rule as a row of a table. */
export interface Row {
  readonly parameter: string;
  /** The end of the rule's ID, after the parameter: `statement-timeout-breaks-migrations`. */
  readonly effect: string;
  readonly chapter: Chapter;
  /** Version of the manual; 17 if left out. */
  readonly majorVersion?: MajorVersion;
  /** @param value as `pg_settings.setting` shows it: numbers in the parameter's own unit. */
  isHarmful(value: string): boolean;
  readonly rule: string;
  readonly remedy: string;
  readonly why: string;
  readonly passing: ParameterValue;
  readonly failing: ParameterValue;
}

/** Returns the page of PostgreSQL's manual about a parameter. */
export const manualPage = (chapter: Chapter, parameter: string, majorVersion: MajorVersion = 17): `https://${string}` =>
  `https://www.postgresql.org/docs/${majorVersion}/runtime-config-${chapter}.html#GUC-${parameter.toUpperCase().replaceAll("_", "-")}`;

/** Converts a table to rules. They do not apply to existing servers, which this project does not configure. */
export const toRules = (severity: Severity, rows: readonly Row[]): readonly InstanceRule[] =>
  rows.map(({ parameter, effect, chapter, majorVersion, isHarmful, rule, remedy, why, passing, failing }) =>
    created({
      id: `${parameter.replaceAll(/[_.]/g, "-")}-${effect}`,
      source: manualPage(chapter, parameter, majorVersion),
      why,
      date: "2026-11-30",
      severity,
      check: (instance, path) => {
        const found = setParameter(instance, parameter);
        return found === null || !isHarmful(found.plain) ? [] : [atParameter(instance, path, parameter, rule, remedy)];
      },
      passing: { ...(majorVersion === undefined ? {} : { majorVersion }), parameters: { [parameter]: passing } },
      failing: { ...(majorVersion === undefined ? {} : { majorVersion }), parameters: { [parameter]: failing } },
    }),
  );

/** Whether a number is set, and below a limit; 0 and -1 stand for none. */
export const limitBelow = (limit: number) => (value: string) => Number(value) > 0 && Number(value) < limit;
export const above = (limit: number) => (value: string) => Number(value) > limit;
export const is =
  (...harmful: readonly string[]) =>
  (value: string) =>
    harmful.includes(value);
export const isNot = (harmless: string) => (value: string) => value !== harmless;
