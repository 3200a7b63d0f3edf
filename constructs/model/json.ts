/** A value that survives `JSON.stringify` and `JSON.parse`. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** `undefined` is allowed so that `condition ? { a } : { b }` fits; it is dropped wherever objects are merged or written. */
export type JsonObject = { readonly [key: string]: Json | undefined };

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Freezes a plain value and everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}

/** Like `Object.entries` and `Object.fromEntries` in one: the same keys, other values. */
export function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V, key: string) => W): Readonly<Record<string, W>> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
