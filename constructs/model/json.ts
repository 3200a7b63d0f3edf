/** A value that survives `JSON.stringify` and `JSON.parse`. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** `undefined` is allowed so that `condition ? { a } : { b }` fits; it is dropped wherever objects are merged or written. */
export type JsonObject = { readonly [key: string]: Json | undefined };

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is an object literal or an object of parsed JSON, not a list or a class instance such as `Map`. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm has a different `Object.prototype`, which has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether a list has neither holes nor other properties. */
function isPlainList(list: readonly unknown[]): boolean {
  const keys = Object.keys(list);
  return keys.length === list.length && keys.every((key, index) => key === String(index));
}

/**
 * Whether a value survives JSON; `undefined` within an object counts as left out. A cycle exceeds the most levels.
 *
 * @param most nested levels, and values in total.
 */
export function isPlainData(value: unknown, most: { readonly levels: number; readonly values: number }): boolean {
  let count = 0;
  const visit = (each: unknown, level: number): boolean => {
    count += 1;
    if (count > most.values || level > most.levels) return false;
    if (Array.isArray(each)) return isPlainList(each) && each.every((item) => visit(item, level + 1));
    if (isPlainObject(each)) return Object.values(each).every((child) => child === undefined || visit(child, level + 1));
    return each === null || typeof each === "string" || typeof each === "boolean" || Number.isFinite(each);
  };
  return visit(value, 0);
}

/** Returns a deeply frozen copy of a plain value. */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T;
  return Object.freeze(mapValues(value as Readonly<Record<string, unknown>>, frozenCopy)) as T;
}

/** Returns the value of a key that a person chose; inherited members such as `constructor` are not in the map. */
export const ownEntry = <V>(map: Readonly<Record<string, V>>, key: string): V | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;

/** Like `Object.entries` and `Object.fromEntries` in one: the same keys, other values. */
export function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V, key: string) => W): Readonly<Record<string, W>> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
