/** Returned for a value that was reported as malformed. */
export const UNREADABLE = Symbol("unreadable");
export type Unreadable = typeof UNREADABLE;

/** A single shared error without a stack: it never leaves this module. */
const READ = new Error("read a setting that was reported as malformed");

const refuse = (): never => {
  throw READ;
};

/** A setting as a property: reading a malformed one ends the function that `ifReadable` runs. */
const property = (value: unknown, isListed: boolean): PropertyDescriptor =>
  value === UNREADABLE ? { get: refuse, enumerable: isListed, configurable: true } : { value, enumerable: true, configurable: true };

/** An object of settings, some of which may be malformed. */
export function toSettings(entries: readonly (readonly [string, unknown])[]): object {
  return Object.defineProperties({}, Object.fromEntries(entries.map(([key, value]) => [key, property(value, true)])));
}

/** Like `toSettings`, for entries that do not depend on each other: listing them leaves out malformed ones. */
export function toEntries(entries: readonly (readonly [string, unknown])[]): object {
  return Object.defineProperties({}, Object.fromEntries(entries.map(([key, value]) => [key, property(value, false)])));
}

/** Like `toSettings`, for a list. */
export function toList(items: readonly unknown[]): readonly unknown[] {
  const list: unknown[] = [];
  for (const [index, item] of items.entries()) Object.defineProperty(list, index, property(item, true));
  return list;
}

/** Returns a copy with other values for some settings, without reading any. */
export function withSettings<T extends object, C extends object>(settings: T, changes: C): Omit<T, keyof C> & C {
  const own = Object.entries(changes).map(([key, value]) => [key, property(value, true)]);
  return Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(settings), ...Object.fromEntries(own) }) as Omit<T, keyof C> & C;
}

/** Returns a copy with the settings of another in addition, which win, without reading any. */
export const joinSettings = <T extends object, C extends object>(settings: T, others: C): T & C =>
  Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(settings), ...Object.getOwnPropertyDescriptors(others) }) as T & C;

/** Returns a copy of the settings whose key and value a test accepts. It does not read malformed ones. */
export function pickSettings(settings: object, isWanted: (key: string, value: unknown, isMalformed: boolean) => boolean): object {
  const own = Object.entries(Object.getOwnPropertyDescriptors(settings));
  const wanted = own.filter(([key, { value, get }]) => isWanted(key, value, get !== undefined));
  return Object.defineProperties({}, Object.fromEntries(wanted));
}

/** Returns a function's result, or `otherwise` if it reads a malformed setting. */
export function ifReadable<T, O>(run: () => T, otherwise: O): T | O {
  try {
    return run();
  } catch (error) {
    if (error === READ) return otherwise;
    throw error;
  }
}
