import type { Violation } from "./errors";
import { nearest, suggest } from "./suggest";

/** Returns the path of an object's key; the path of the whole spec is empty. */
export const keyPath = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** Reports unknown keys; the known keys are listed once. */
export function refuseKeys(
  unknown: readonly string[],
  known: readonly string[],
  path: string,
  elsewhere: ReadonlyMap<string, string>,
): readonly Violation[] {
  let isListed = false;
  return unknown.map((key) => {
    const near = nearest(key, known);
    const advice = elsewhere.get(key.toLowerCase().replaceAll(/[_-]/g, "")) ?? (near === null ? null : `did you mean "${near}"?`);
    const remedy = advice ?? (isListed ? "" : suggest(key, known));
    isListed ||= advice === null;
    return { path: keyPath(path, key), rule: "unknown key", got: null, remedy };
  });
}
