import { type Violation, violation } from "./errors";
import type { InstanceSettings } from "./instance";
import { listOf } from "./parameter-texts";
import { checkItems } from "./rule";

/** Lists of modules that a server loads when it starts, or for each session. */
const LISTS = ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"] as const;

const nameOf = (library: string): string => library.replace(/^\$libdir\//, "").replace(/\.so$/, "");

/** Finds modules that a host does not have, in every list of them. */
export const preloadable = (
  { parameters }: InstanceSettings,
  path: string,
  modules: readonly string[],
  rule: string,
): readonly Violation[] =>
  checkItems(LISTS, (name) => {
    const written = parameters[name];
    const unknown = written === undefined ? undefined : listOf(String(written))?.find((each) => !modules.includes(nameOf(each)));
    return unknown === undefined
      ? []
      : [violation(`${path}.parameters.${name}`, `names ${unknown}, which ${rule}`, written, `it has ${modules.join(", ")}`)];
  });
