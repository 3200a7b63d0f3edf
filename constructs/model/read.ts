import { type Violation, violation } from "./errors";
import { type Fields, json, type Report, readFields, type Settings } from "./fields";
import { completeInstance, type InstanceSettings, instanceFields } from "./instance";
import { isPlainObject } from "./json";
import { NAME } from "./names";
import { elsewhereOf } from "./own-instance";
import { ENVIRONMENT_ELSEWHERE, environmentFields } from "./spec";
import type { Target } from "./target";
import { refuseKeys } from "./unknown-keys";

type Given = Readonly<Record<string, unknown>>;

/** Reads the environment's own settings. */
export function readEnvelope(written: Given, sections: readonly string[], report: Report): Settings<typeof environmentFields> {
  const known = [...Object.keys(environmentFields), "instances", "platforms", ...sections];
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (Object.hasOwn(environmentFields, key)) own[key] = value;
  }
  const unknown = Object.keys(written).filter((key) => !known.includes(key));
  for (const found of refuseKeys(unknown, known, "", ENVIRONMENT_ELSEWHERE)) report(found);
  return readFields(environmentFields, own, "", report);
}

/** The target checks its own section; allowed sections of other targets are passed on if they are plain data. */
export function readSections(
  written: Given,
  { target, sections }: { readonly target: Target; readonly sections: readonly string[] },
  report: Report,
): Readonly<Record<string, Settings<Fields>>> {
  const others = sections.filter((name) => name !== target.name && written[name] !== undefined);
  const own =
    Object.keys(target.section).length > 0
      ? [[target.name, readFields(target.section, written[target.name] ?? {}, target.name, report, target.elsewhere)] as const]
      : [];
  return Object.fromEntries([
    ...others.map((name) => [name, json().read(written[name], name, report) as Settings<Fields>] as const),
    ...own,
  ]);
}

export interface Instances {
  /** As written: a platform may name an instance whose settings are malformed. */
  readonly names: readonly string[];
  /** Of those with a valid name. */
  readonly settings: Readonly<Record<string, InstanceSettings>>;
  readonly written: Readonly<Record<string, unknown>>;
}

/** Reads the instances without the target's section. */
export function readInstances(written: unknown, target: Target, report: Report): Instances {
  const entries = entriesOf(written, "instances", "instances: { main: {} }", report);
  if (isPlainObject(written) && entries.length === 0)
    report(violation("instances", "must name at least one instance", written, "write instances: { main: {} }"));
  const settings = entries.flatMap(([name, value]) => {
    const path = `instances.${name}`;
    const read = completeInstance(readFields(instanceFields, value, path, report, elsewhereOf(target, name)), value);
    if (NAME.pattern.test(name)) return [[name, read] as const];
    report(violation(path, `name must be ${NAME.form}`, name));
    return [];
  });
  return { names: entries.map(([name]) => name), settings: Object.fromEntries(settings), written: Object.fromEntries(entries) };
}

/** @param example what to write if nothing is written. */
export function entriesOf(written: unknown, path: string, example: string, report: Report): readonly (readonly [string, unknown])[] {
  if (isPlainObject(written)) return Object.entries(written).filter(([, value]) => value !== undefined);
  const missing: Violation = { path, rule: "is required", got: null, remedy: `write ${example}` };
  report(written === undefined ? missing : violation(path, "must be an object", written, `write ${example}`));
  return [];
}
