import type { Change } from "./change";
import { effectOf } from "./effects";
import { type Facts, pathOf } from "./facts";
import type { Vendor } from "./vendor";

type ByInstance<T> = Readonly<Record<string, T>>;

/** Keys that are only read. */
const isReal = (key: string): boolean => key.startsWith("real.");

/**
 * Returns the changes of instances that exist and stay, setting by setting.
 *
 * @param readers settings of platforms that read from an instance's replica, by instance, with the value that ends it.
 */
export function compareInstances(
  before: ByInstance<Facts>,
  after: ByInstance<Facts>,
  vendor: Vendor,
  readers: ByInstance<readonly string[]>,
): readonly Change[] {
  return Object.entries(after).flatMap(([instance, has]) => {
    const had = before[instance];
    if (had === undefined) return [];
    return changedKeys(had, has).map((key) => {
      const values = { before: had[key] ?? null, after: has[key] ?? null };
      const change = effectOf({ instance, key, ...values, had, has, vendor, readers: readers[instance] ?? [] });
      return { ...change, path: pathOf(vendor.cloud, instance, key) };
    });
  });
}

/**
 * A setting that is missing on one side is not compared. Parameters are, because PostgreSQL's default applies, unless they are in an existing
 * group, whose content is unknown.
 */
function changedKeys(had: Facts, has: Facts): readonly string[] {
  const keys = [...new Set([...Object.keys(had), ...Object.keys(has)])].filter((key) => !isReal(key));
  const areUnknown = [had, has].some((facts) => typeof facts["own.parameterGroup"] === "string");
  const isKnown = (key: string) => (key.startsWith("parameters.") ? !areUnknown : Object.hasOwn(had, key) && Object.hasOwn(has, key));
  return keys.filter((key) => isKnown(key) && (had[key] ?? null) !== (has[key] ?? null));
}
