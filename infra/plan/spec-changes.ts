import { isObject } from "../../constructs/model/json";
import { CLOUDS } from "../spec";
import { type Change, toChange } from "./change";

/** Parts of a spec that a deployment ignores. */
const ABOUT = ["name", "acknowledge", "monthlyCostLimitUsd"];

/**
 * Settings that differ between two complete specs of one environment.
 *
 * @param told settings that are already reported.
 * @param others sections of other targets.
 */
export function compareSpecs(before: object, after: object, told: readonly Change[], others: readonly string[]): readonly Change[] {
  const says = (path: string) => told.some((change) => path === change.path || path.startsWith(`${change.path}.`));
  const isTold = (path: string) => says(path) || says(toCommon(path));
  const isAbout = (path: string) => [...ABOUT, ...others].includes(path.split(".")[0] ?? "");
  return [...differ(before, after, "")].filter(({ path }) => !isAbout(path) && !isTold(path));
}

/** The setting of `instances` to which a setting in a cloud's section belongs. */
const toCommon = (path: string): string => path.replace(/^(aws|gcp)\.(?=instances\.)/, "").replace(/\.(class|tier)$/, ".size");

/** Sections that an environment has for other clouds. */
export const otherClouds = ({ target }: { readonly target: string }): readonly string[] => CLOUDS.filter((cloud) => cloud !== target);

/** The note for a file without the cloud's section. */
export const toNewOn = (file: string, cloud: string): string =>
  `${file} has no section ${cloud}: nothing was compared, and everything is new`;

function* differ(before: unknown, after: unknown, path: string): Generator<Change> {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differ(before[key], after[key], path === "" ? key : `${path}.${key}`);
    return;
  }
  if (isObject(before) && after === undefined) yield toChange("other", path, "is removed");
  else if (isObject(after) && before === undefined) yield toChange("other", path, "is added");
  else {
    const [had, has] = [shown(before), shown(after)];
    if (had !== has) yield { ...toChange("other", path, ""), before: had, after: has };
  }
}

/** Most characters of a value to show. */
const LONGEST = 80;

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = (value === "" || typeof value === "object" ? JSON.stringify(value) : String(value)).replaceAll(/\s+/g, " ");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
