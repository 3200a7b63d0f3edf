import { type Violation, violation } from "../errors";
import type { InstanceSettings, MajorVersion } from "../instance";
import type { ParameterValue } from "../parameters";
import { checkEach } from "../rule";
import { nearest } from "../suggest";
import type { Advice } from "../target";
import { isCheckedEverywhere } from "./instance-rules";

/** A host's term for its parameters, and their names. */
export interface ParameterNames {
  /** With its article: `an RDS parameter`. */
  readonly kind: string;
  /** Those that may be suggested. */
  known(majorVersion: MajorVersion): readonly string[];
  /** Parameters of another host, which people bring along; null if there are none. */
  readonly foreign: {
    readonly prefix: string;
    readonly kind: string;
    /** The section of that host, where they belong. */
    readonly section: string;
    /** What to write here instead, if there is an equivalent. */
    readonly instead: ReadonlyMap<string, string>;
  } | null;
}

/** Returns the rule and remedy for a parameter that a host does not have. */
export function refuseUnknown(name: string, { kind, known, foreign }: ParameterNames, majorVersion: MajorVersion): Advice {
  if (foreign !== null && name.startsWith(foreign.prefix))
    return {
      rule: `is ${foreign.kind}, not ${kind}`,
      remedy: `${foreign.instead.get(name) ?? "remove it"}; to set it for ${foreign.section} only, write it into ${foreign.section}.instances.<name>.parameters`,
    };
  const near = nearest(name, known(majorVersion));
  const rule = `is not ${kind} for PostgreSQL ${majorVersion}`;
  if (near !== null) return { rule, remedy: `did you mean "${near}"?` };
  return { rule, remedy: name.includes(".") ? "set it for a database or role with ALTER DATABASE or ALTER ROLE" : "remove it" };
}

/** Whether a parameter belongs to one of some modules, as `cron.database_name` does to `cron`. */
export const isOfModule = (name: string, modules: readonly string[]): boolean =>
  name.includes(".") && modules.includes(name.split(".", 1)[0] ?? "");

/** Checks each parameter of an instance. Parameters that rules of all targets already check are left out. */
export function checkParameters(
  { parameters, majorVersion }: InstanceSettings,
  path: string,
  check: (name: string, value: ParameterValue, majorVersion: MajorVersion) => Advice | null,
): readonly Violation[] {
  return checkEach(parameters, (value, name) => {
    const advice = isCheckedEverywhere(name) ? null : check(name, value, majorVersion);
    return advice === null ? [] : [violation(`${path}.parameters.${name}`, advice.rule, value, advice.remedy)];
  });
}
