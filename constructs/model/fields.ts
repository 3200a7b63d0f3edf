import { type Violation, violation } from "./errors";
import { isObject, type JsonObject } from "./json";
import { suggest } from "./suggest";

/** Where violations go while a value is read. */
export type Report = (violation: Violation) => void;

/**
 * A setting as one value: its type, default, check and key follow from it. There is no second place where any of them is written.
 * `read` gets what a person wrote (perhaps from JSON), reports what is wrong with it and returns the complete value.
 */
export interface Field<out T, out Required extends boolean = boolean, out W = T> {
  /** Never set: the type of what a person writes, where it is not that of the complete value. */
  readonly written?: W;
  readonly required: Required;
  /** The default, or undefined where the setting is required. */
  readonly default: T | undefined;
  /** Of a whole number: the smallest. */
  readonly min?: number;
  read(written: unknown, path: string, report: Report): T;
}

export type Fields = Readonly<Record<string, Field<unknown, boolean, unknown>>>;

type TypeOf<F> = F extends Field<infer T, boolean, unknown> ? T : never;
type WrittenOf<F> = F extends Field<unknown, boolean, infer W> ? W : never;

/** All settings, complete: nothing is optional. */
export type Settings<F extends Fields> = { readonly [K in keyof F]: TypeOf<F[K]> };

/** What a person writes: settings with a default may be left out. */
export type Written<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Field<unknown, true, unknown> ? K : never]: WrittenOf<F[K]>;
} & { readonly [K in keyof F as F[K] extends Field<unknown, true, unknown> ? never : K]?: WrittenOf<F[K]> };

/** Reads an object of settings: unknown keys, missing keys and wrong values are reported, defaults are filled in. */
export function readFields<F extends Fields>(fields: F, written: unknown, path: string, report: Report): Settings<F> {
  if (!isObject(written)) report(violation(path, "must be an object", written));
  const given = isObject(written) ? written : {};
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(fields, key))
      report({ path: join(path, key), rule: "unknown key", got: null, remedy: suggest(key, Object.keys(fields)) });
  }
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [key, readField(field, given[key], join(path, key), report)]),
  ) as Settings<F>;
}

function readField(field: Field<unknown>, written: unknown, path: string, report: Report): unknown {
  if (written !== undefined) return field.read(written, path, report);
  if (field.required) report({ path, rule: "is required", got: null, remedy: "" });
  return field.default;
}

const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** A check returns what must hold, or null where it does. */
type Check = (value: unknown) => string | null;

/** A setting that a person must write, unless it gets a default. */
function define<T>(check: Check): Field<T, true> {
  return {
    required: true,
    default: undefined,
    read(written, path, report) {
      const rule = check(written);
      if (rule !== null) report(violation(path, rule, written));
      return written as T;
    },
  };
}

const withDefault = <T>(field: Field<T>, defaultValue: T): Field<T, false> => ({ ...field, required: false, default: defaultValue });

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number between two bounds, both allowed. */
export function integer(bounds: Bounds & { readonly default: number }): Field<number, false>;
export function integer(bounds: Bounds): Field<number, true>;
export function integer(bounds: Bounds & { readonly default?: number }): Field<number> {
  const inside = (value: unknown) => Number.isInteger(value) && (value as number) >= bounds.min && (value as number) <= bounds.max;
  const field = define<number>((value) => (inside(value) ? null : `must be a whole number from ${bounds.min} to ${bounds.max}`));
  const bounded = { ...field, min: bounds.min };
  return bounds.default === undefined ? bounded : withDefault(bounded, bounds.default);
}

export function flag(defaultValue: boolean): Field<boolean, false> {
  return withDefault(
    define<boolean>((value) => (typeof value === "boolean" ? null : "must be true or false")),
    defaultValue,
  );
}

interface Form {
  readonly pattern: RegExp;
  /** What `pattern` means, in words. */
  readonly form: string;
}

/** A string of a given form. */
export function text(rule: Form & { readonly default: string }): Field<string, false>;
export function text(rule: Form): Field<string, true>;
export function text(rule: Form & { readonly default?: string }): Field<string> {
  const fits = (value: unknown) => typeof value === "string" && rule.pattern.test(value);
  const field = define<string>((value) => (fits(value) ? null : `must be ${rule.form}`));
  return rule.default === undefined ? field : withDefault(field, rule.default);
}

/** The id of something that exists: as a text, or marked as an example, which nothing can be deployed with. */
export type Id = string | { readonly example: string };

/** The text of an id. */
export const idOf = (id: Id): string => (typeof id === "string" ? id : id.example);

/** An id of a given form. */
export function id(rule: Form): Field<Id, true> {
  return define<Id>((value) => {
    const text = isExample(value) ? value.example : value;
    return typeof text === "string" && rule.pattern.test(text) ? null : `must be ${rule.form}`;
  });
}

const isExample = (value: unknown): value is { readonly example: string } =>
  isObject(value) && Object.keys(value).length === 1 && typeof value.example === "string";

/** Paths of the ids that are marked as examples. */
export function examplesIn(value: unknown, path: string): readonly string[] {
  if (isExample(value)) return [path];
  if (Array.isArray(value)) return value.flatMap((entry, index) => examplesIn(entry, `${path}[${index}]`));
  return isObject(value) ? Object.entries(value).flatMap(([key, entry]) => examplesIn(entry, join(path, key))) : [];
}

/** One of a closed list; `retired` explains a value that was allowed once. */
export function choice<const T extends string | number>(
  values: readonly T[],
  defaultValue: T,
  retired: Readonly<Record<string, string>> = {},
): Field<T, false> {
  const field: Field<T> = {
    required: false,
    default: defaultValue,
    read(written, path, report) {
      const isKnown = values.includes(written as T);
      const reason = typeof written === "number" && Object.hasOwn(retired, written) ? (retired[written] ?? "") : "";
      if (!isKnown) report(violation(path, `must be ${listed(values)}`, written, reason));
      return written as T;
    },
  };
  return field as Field<T, false>;
}

const listed = (values: readonly (string | number)[]): string => {
  const shown = values.map((value) => String(value));
  return shown.length < 2 ? (shown[0] ?? "") : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
};

/** Allows null, which is the default: "not set". */
export function nullable<T, W>(field: Field<T, boolean, W>): Field<T | null, false, W | null> {
  return {
    required: false,
    default: null,
    read: (written, path, report) => (written === null ? null : field.read(written, path, report)),
  };
}

/** A group of settings; left out, each has its own default. */
export function group<F extends Fields>(fields: F): Field<Settings<F>, false, Written<F>> {
  return {
    required: false,
    default: readFields(fields, {}, "", () => undefined),
    read: (written, path, report) => readFields(fields, written, path, report),
  };
}

/** A map with free keys, each of a given form. What is written is added to the default, key by key. */
export function map<T>(
  value: Field<T>,
  key: Form,
  defaultValue: Readonly<Record<string, T>> = {},
): Field<Readonly<Record<string, T>>, false> {
  return {
    required: false,
    default: defaultValue,
    read(written, path, report) {
      if (!isObject(written)) {
        report(violation(path, "must be an object", written));
        return defaultValue;
      }
      const own = Object.entries(written).filter(([, entry]) => entry !== undefined);
      for (const [name] of own) if (!key.pattern.test(name)) report(violation(`${path}.${name}`, `key must be ${key.form}`, name));
      return { ...defaultValue, ...Object.fromEntries(own.map(([name, entry]) => [name, value.read(entry, `${path}.${name}`, report)])) };
    },
  };
}

export function list<T, W>(item: Field<T, boolean, W>): Field<readonly T[], false, readonly W[]> {
  return {
    required: false,
    default: [],
    read(written, path, report) {
      if (Array.isArray(written)) return written.map((entry, index) => item.read(entry, `${path}[${index}]`, report));
      report(violation(path, "must be a list", written));
      return [];
    },
  };
}

/** A string, boolean or finite number. */
export function scalar(): Field<string | number | boolean, true> {
  const isScalar = (value: unknown) => typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  return define((value) => (isScalar(value) ? null : "must be a string, number or boolean"));
}

/** Free plain data, such as the values of a Helm chart. */
export function json(): Field<JsonObject, false> {
  const field = define<JsonObject>((value) => (isObject(value) && isPlain(value) ? null : "must be an object of plain data (JSON)"));
  return withDefault(field, {});
}

/** Whether a value survives JSON; `undefined` within an object counts as left out. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value === "object" && value !== null) {
    return (
      Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every((child) => child === undefined || isPlain(child))
    );
  }
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}
