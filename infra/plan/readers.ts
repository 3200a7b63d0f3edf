import type { Environment } from "../../constructs/model/spec";

/** Settings with which platforms read from an instance's replica, by instance, each with the value that ends it. */
export function readersOf({ platforms }: Environment): Readonly<Record<string, readonly string[]>> {
  const readers: Record<string, string[]> = {};
  for (const [name, platform] of Object.entries(platforms)) {
    if (platform === undefined || !("readFromReplica" in platform.settings) || platform.settings.readFromReplica !== true) continue;
    readers[platform.instance] = [...(readers[platform.instance] ?? []), `platforms.${name}.readFromReplica to false`];
  }
  return readers;
}
