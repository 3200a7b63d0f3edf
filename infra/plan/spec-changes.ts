import { isObject } from "../../constructs/model/json";
import type { Change } from "./change";

/** Parts of a spec that are about the spec itself, and not about what it makes. */
const ABOUT = ["name"];

/**
 * Settings that differ between two complete specs of one environment.
 *
 * @param told what is said of some of them already.
 */
export function compareSpecs(before: object, after: object, told: readonly Change[]): readonly Change[] {
  const isTold = (path: string) => told.some((change) => path === change.path || path.startsWith(`${change.path}.`));
  return [...differ(before, after, "")].filter(({ path }) => !ABOUT.includes(path) && !isTold(path));
}

function* differ(before: unknown, after: unknown, path: string): Generator<Change> {
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differ(before[key], after[key], path === "" ? key : `${path}.${key}`);
    return;
  }
  const [had, has] = [shown(before), shown(after)];
  if (had !== has) yield { level: "other", path, before: had, after: has, effect: "", remedy: "" };
}

/** Characters that are shown of a value. */
const LONGEST = 80;

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
