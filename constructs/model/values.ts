import type { Violation } from "./errors";
import { isObject, type Json, type JsonObject } from "./json";

type Named = JsonObject & { readonly name: string };

/** Containers, variables, volumes and mounts: Helm replaces lists, so lists of objects with a `name` are joined by it. */
const isNamedList = (value: unknown): value is readonly Named[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && typeof item.name === "string");

/** A path into values: keys, and elements of lists by their `name`. */
export type Path = readonly Step[];
export type Step = string | { readonly named: string };

/** Formats a path for people, such as `env[PGSSLMODE].value`. Dots and brackets within keys are escaped. */
export const showPath = (path: Path): string =>
  path.map((step, index) => (isNamed(step) ? `[${step.named}]` : `${index === 0 ? "" : "."}${escaped(step)}`)).join("");

/** Returns a violation at a platform's value. The value itself is not shown, because it may be a password. @param path of the platform. */
export const atValue = (path: string, own: Path, rule: string, remedy: string): Violation => ({
  path: `${path}.values.${showPath(own)}`,
  rule,
  got: null,
  remedy,
});

const escaped = (key: string): string => key.replaceAll("\\", "\\\\").replaceAll(".", "\\.").replaceAll("[", "\\[");

export const isNamed = (step: Step | undefined): step is Exclude<Step, string> => typeof step === "object";

/**
 * Returns the paths of all leaves. Lists of named objects are traversed by name, and each of their elements is also a leaf; any other list
 * is one leaf. Empty objects and lists have no leaves, because they set nothing.
 */
export const leafPaths = (values: JsonObject): readonly Path[] => below(values, []);

function leaves(value: Json | undefined, path: Path): readonly Path[] {
  if (value === undefined) return [];
  if (isNamedList(value))
    return value.flatMap(({ name, ...rest }) => {
      const element = [...path, { named: name }];
      return [element, ...below(rest, element)];
    });
  if (Array.isArray(value) && value.length === 0) return [];
  if (!isObject(value)) return [path];
  return below(value as JsonObject, path);
}

const below = (object: JsonObject, path: Path): readonly Path[] =>
  Object.entries(object).flatMap(([key, child]) => leaves(child, [...path, key]));

/** Returns a value by the keys above it; undefined if there is a list among them. */
export const scalarAt = (values: JsonObject, path: Path): Json | undefined =>
  path.reduce<Json | undefined>((at, step) => (isObject(at) && !isNamed(step) ? (at as JsonObject)[step] : undefined), values);

/** Returns the guarded path that a written path touches: the same, one above or below it, or one that a merge would replace, as a list replaces an object. */
export const collision = (path: Path, guarded: readonly Path[]): Path | null => guarded.find((own) => touches(path, own)) ?? null;

function touches(path: Path, own: Path): boolean {
  const index = path.findIndex((step, at) => !isSame(step, own[at]));
  // No difference, as far as both go; or a list of one meets an object of the other.
  return index === -1 || index >= own.length || isNamed(own[index]) !== isNamed(path[index]);
}

const isSame = (a: Step, b: Step | undefined): boolean => (isNamed(a) && isNamed(b) ? a.named === b.named : a === b);

/** Whether a path leads below another one. */
export const isBelow = (path: Path, above: Path): boolean =>
  path.length > above.length && above.every((step, index) => isSame(step, path[index]));

/**
 * Merges the user's values over ours: objects key by key, empty values change nothing, everything else replaces. Lists of named objects are joined: an equal name
 * cannot occur, because every path of ours is guarded.
 */
export function mergeValues(own: JsonObject, user: JsonObject): JsonObject {
  return merge(own, user) as JsonObject;
}

function merge(own: Json | undefined, user: Json | undefined): Json | undefined {
  const areObjects = isObject(own) && isObject(user);
  if (user === undefined || (own !== undefined && !areObjects && leaves(user, []).length === 0)) return withoutUndefined(own);
  if (isNamedList(own) && isNamedList(user)) return withoutUndefined([...own, ...user]);
  if (!areObjects) return withoutUndefined(user);
  const keys = [...new Set([...Object.keys(own), ...Object.keys(user)])];
  const at = (object: object, key: string) => (Object.hasOwn(object, key) ? (object as JsonObject)[key] : undefined);
  const merged = keys.map((key) => [key, merge(at(own, key), at(user, key))] as const);
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

function withoutUndefined(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item: Json) => withoutUndefined(item) ?? null);
  if (!isObject(value)) return value;
  const defined = Object.entries(value as JsonObject).filter(([, child]) => child !== undefined);
  return Object.fromEntries(defined.map(([key, child]) => [key, withoutUndefined(child)]));
}
