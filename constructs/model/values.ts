import { isObject, type Json, type JsonObject } from "./json";

type Named = JsonObject & { readonly name: string };

/** Containers, variables, volumes and mounts: Helm replaces lists, so lists of objects with a `name` are joined by it. */
const isNamedList = (value: unknown): value is readonly Named[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && typeof item.name === "string");

/**
 * The paths of all leaves, such as `env[PGSSLMODE].value`. A list of named objects is descended by name; any other list is one leaf.
 * Empty objects and lists have none: they set nothing. A dot within a key is escaped, so that no two leaves share a path.
 */
export function leafPaths(values: JsonObject): readonly string[] {
  return Object.entries(values).flatMap(([key, value]) => leaves(value, step("", key)));
}

function leaves(value: Json | undefined, path: string): readonly string[] {
  if (value === undefined) return [];
  if (isNamedList(value)) return value.flatMap(({ name, ...rest }) => [`${path}[${name}]`, ...below(rest, `${path}[${name}]`)]);
  if (Array.isArray(value) && value.length === 0) return [];
  if (!isObject(value)) return [path];
  return below(value as JsonObject, path);
}

const below = (object: JsonObject, path: string): readonly string[] =>
  Object.entries(object).flatMap(([key, child]) => leaves(child, step(path, key)));

const step = (path: string, key: string): string => {
  const escaped = key.replaceAll("\\", "\\\\").replaceAll(".", "\\.").replaceAll("[", "\\[");
  return path === "" ? escaped : `${path}.${escaped}`;
};

/** The guarded path that a written path touches: the same, one above it or below it, or one that makes an object of its list. */
export function collision(path: string, guarded: readonly string[]): string | null {
  return guarded.find((own) => own === path || isBelow(own, path) || isBelow(path, own) || replacesList(path, own)) ?? null;
}

const isBelow = (path: string, above: string): boolean => path.startsWith(`${above}.`) || path.startsWith(`${above}[`);

/** `env.A` where ours is `env[A]`: an object in the place of the list, which it would replace. */
const replacesList = (path: string, own: string): boolean =>
  [...own.matchAll(/(?<!\\)\[/g)].some(({ index }) => path.startsWith(`${own.slice(0, index)}.`));

/**
 * Merges what the user wrote over our values: objects key by key, what sets nothing changes nothing, all else replaces. Lists of named objects are joined: an equal name
 * cannot occur, because every path of ours is guarded.
 */
export function mergeValues(own: JsonObject, user: JsonObject): JsonObject {
  return merge(own, user) as JsonObject;
}

function merge(own: Json | undefined, user: Json | undefined): Json | undefined {
  const areObjects = isObject(own) && isObject(user);
  if (user === undefined || (own !== undefined && !areObjects && leaves(user, "").length === 0)) return withoutUndefined(own);
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
