import type { ChartFacts, ChartKeys } from "./chart-facts";
import type { Violation } from "./errors";
import { isObject, type JsonObject } from "./json";
import { nearest } from "./suggest";
import { atValue, type Path } from "./values";

/** A value that a chart or Kubernetes does not accept. */
export interface Misfit {
  readonly path: Path;
  readonly rule: string;
  readonly remedy: string;
}

/** Returns the values that do not fit the chart: unknown keys, and values of a different type. */
export function misfits(values: JsonObject, facts: ChartFacts): readonly Misfit[] {
  const { keys, rejects, chart, version } = facts;
  const name = `${chart} ${version}`;
  const unknown = rejects.keys
    ? `is not a value of ${name}, whose schema rejects the installation`
    : `is not a value of ${name}, which ignores it`;

  function inMap(written: JsonObject, known: ChartKeys, path: Path): readonly Misfit[] {
    return Object.entries(written).flatMap(([key, value]): readonly Misfit[] => {
      const at = [...path, key];
      const node = Object.hasOwn(known, key) ? known[key] : known["*"];
      if (node !== undefined) return inValue(value, node, at);
      const near = nearest(key, Object.keys(known));
      return [
        { path: at, rule: unknown, remedy: near === null ? "remove it, or look it up in the chart's values" : `did you mean "${near}"?` },
      ];
    });
  }

  function inValue(value: unknown, node: ChartKeys | string, path: Path): readonly Misfit[] {
    if (value === undefined || value === null) return [];
    if (typeof node !== "string") return isObject(value) ? inMap(value as JsonObject, node, path) : [mismatch(path, "a map")];
    return fits(value, node, rejects.types) ? [] : [mismatch(path, node.split("|").join(" or "))];
  }

  return inMap(values, keys, []);
}

const mismatch = (path: Path, type: string): Misfit => ({
  path,
  rule: `must be ${type.replace("object", "a map").replace("array", "a list")}`,
  remedy: "",
});

/**
 * Whether a value has one of the types. Without a schema, only a map in the chart's defaults is certain; an empty one may stand for
 * a list, as flyte-core's `podEnv` does. Helm warns of such a list and renders it.
 */
function fits(value: unknown, types: string, isCertain: boolean): boolean {
  if (!isCertain) return types !== "object" || isObject(value) || Array.isArray(value);
  return types.split("|").some((type) => {
    if (type === "array") return Array.isArray(value);
    if (type === "object") return isObject(value);
    if (type === "integer") return Number.isInteger(value);
    return type === "any" || type === "scalar" || typeof value === type;
  });
}

/** Converts misfits to violations at the platform's path in the spec. */
export const toViolations = (found: readonly Misfit[], path: string): readonly Violation[] =>
  found.map((each) => atValue(path, each.path, each.rule, each.remedy));
