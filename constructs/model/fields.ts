import { type Violation, violation } from "./errors";
import { isPlainData, isPlainObject, type Json, type JsonObject } from "./json";
import { exceptNull, objectSchema, orNull, type Schema, textSchema, withoutDefault } from "./schema";
import { keyPath, refuseKeys } from "./unknown-keys";
import { toEntries, toList, toSettings, UNREADABLE, type Unreadable } from "./unreadable";
import { hasControl } from "./value-texts";

/** Receives violations while a value is read. */
export type Report = (violation: Violation) => void;

/**
 * A setting as one value: its type, default, check and key follow from it, and are defined nowhere else.
 * `read` takes what a person wrote (perhaps from JSON), reports errors in it, and returns the complete value or `UNREADABLE`.
 */
export interface Field<out T, out Required extends boolean = boolean, out W = T> {
  /** Never set: the type of what a person writes, if it differs from the complete value's. */
  readonly written?: W;
  readonly required: Required;
  /** The default; undefined if the setting is required. */
  readonly default: T | undefined;
  /** What to write, in words. */
  readonly form: string;
  /** What a person may write, as JSON Schema, with the default. */
  readonly schema: Schema;
  /** The smallest value of a whole number. */
  readonly min?: number;
  /** The settings of a group, or of each group in a list. */
  readonly fields?: Fields;
  read(written: unknown, path: string, report: Report): T | Unreadable;
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

/** Keys from other tools, in lower case without separators, with advice on what to write here. */
export type Elsewhere = ReadonlyMap<string, string>;
const NOWHERE: Elsewhere = new Map();

/**
 * Reads an object of settings, reports unknown keys, missing keys and wrong values, and fills in defaults. Reading a malformed
 * setting of the result throws: see `ifReadable`.
 *
 * @param elsewhere advice on unknown keys that people are likely to write.
 */
export function readFields<F extends Fields>(
  fields: F,
  written: unknown,
  path: string,
  report: Report,
  elsewhere: Elsewhere = NOWHERE,
): Settings<F> {
  const isReadable = isPlainObject(written);
  if (!isReadable) report(violation(path, "must be an object", written, written === null ? "write {} for the defaults" : objectOf(fields)));
  const given = isReadable ? written : {};
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(fields, key));
  for (const found of refuseKeys(unknown, Object.keys(fields), path, elsewhere)) report(found);
  const read = (key: string, field: Field<unknown>) => readField(field, ownValue(given, key), keyPath(path, key), report);
  const entries = Object.entries(fields).map(([key, field]) => [key, isReadable ? read(key, field) : UNREADABLE] as const);
  return toSettings(entries) as Settings<F>;
}

/** The most keys of an object that a remedy shows. */
const MOST_KEYS = 5;

const objectOf = (fields: Fields): string =>
  Object.keys(fields).length > MOST_KEYS ? "" : `write { ${Object.keys(fields).join(": ..., ")}: ... }`;

/** Ignores inherited members: a field may have the name of a member of every object. */
const ownValue = (object: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

function readField(field: Field<unknown>, written: unknown, path: string, report: Report): unknown {
  if (written === undefined && !field.required) return field.default;
  if (written !== undefined && !(written === null && field.required)) return field.read(written, path, report);
  report({ path, rule: "is required", got: null, remedy: `write ${field.form}` });
  return UNREADABLE;
}

/** The longest text that is checked: some patterns take quadratic time. */
const LONGEST_TEXT = 1_000;

interface Definition<T> {
  /** What must be written, in words. */
  readonly form: string;
  /** What `accepts` accepts. */
  readonly schema: Schema;
  accepts(value: unknown): boolean;
  /** Returns the intended value of a value of the wrong type; null if that is not clear. */
  meant(value: unknown): T | null;
  /** Whether a text with a line break, or another control character, is rejected. Default: no. */
  readonly isOneLine?: boolean;
}

/** A required setting, unless it gets a default. */
function define<T>({ form, schema, accepts, meant, isOneLine = false }: Definition<T>): Field<T, true> {
  return {
    required: true,
    default: undefined,
    form,
    schema: { description: form, ...schema },
    read(written, path, report) {
      if (isOneLine && typeof written === "string" && (hasControl(written) || written.includes("\t"))) {
        report(violation(path, "must not contain a line break or a control character", written));
        return UNREADABLE;
      }
      if (accepts(written)) return written as T;
      report(violation(path, `must be ${form}`, written, remedyOf(written, meant(written))));
      return UNREADABLE;
    },
  };
}

function remedyOf(written: unknown, meant: unknown): string {
  if (written === null) return "leave it out for the default";
  if (meant === null) return "";
  return typeof meant === "string" ? `write it in quotes: ${JSON.stringify(meant)}` : `write it without quotes: ${meant}`;
}

const withDefault = <T>(field: Field<T>, defaultValue: T): Field<T, false> => ({
  ...field,
  required: false,
  default: defaultValue,
  schema: { ...field.schema, default: defaultValue as Json },
});

/** A field whose default follows from other settings, so its schema has none. */
export const dependent = <F extends Field<unknown>>(field: F): F => ({ ...field, schema: withoutDefault(field.schema) });

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number between two bounds, both allowed. */
export function integer(bounds: Bounds & { readonly default: number }): Field<number, false>;
export function integer(bounds: Bounds): Field<number, true>;
export function integer({ min, max, default: defaultValue }: Bounds & { readonly default?: number }): Field<number> {
  const accepts = (value: unknown) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
  const meant = (value: unknown) =>
    typeof value === "string" && /^\d{1,15}$/.test(value) && accepts(Number(value)) ? Number(value) : null;
  const form = `a whole number from ${min} to ${max}`;
  const schema = { type: "integer", minimum: min, maximum: max };
  const field = { ...define<number>({ form, schema, accepts, meant }), min };
  return defaultValue === undefined ? field : withDefault(field, defaultValue);
}

/** A multiple of 0.25 between two bounds, both allowed. */
export function quarters({ min, max, default: defaultValue }: Bounds & { readonly default: number }): Field<number, false> {
  const accepts = (value: unknown) => typeof value === "number" && Number.isInteger(value * 4) && value >= min && value <= max;
  const meant = (value: unknown) =>
    typeof value === "string" && /^\d{1,15}(\.\d{1,2})?$/.test(value) && accepts(Number(value)) ? Number(value) : null;
  const form = `a number from ${min} to ${max} in steps of 0.25`;
  const schema = { type: "number", minimum: min, maximum: max, multipleOf: 0.25 };
  return withDefault(define<number>({ form, schema, accepts, meant }), defaultValue);
}

export function flag(defaultValue: boolean): Field<boolean, false> {
  const meant = (value: unknown) => (value === "true" ? true : value === "false" ? false : null);
  const accepts = (value: unknown) => typeof value === "boolean";
  return withDefault(define<boolean>({ form: "true or false", schema: { type: "boolean" }, accepts, meant }), defaultValue);
}

interface Form {
  readonly pattern: RegExp;
  /** What `pattern` means, in words. */
  readonly form: string;
  /** The most characters; `LONGEST_TEXT` by default. */
  readonly longest?: number;
  /** Whether it may have several lines, as a certificate has. Default: no. */
  readonly lines?: boolean;
  /** Normalizes a text that fits; by default, it is kept as written. */
  readonly normal?: (text: string) => string;
}

const fits = (value: unknown, { pattern, longest = LONGEST_TEXT }: Form): value is string =>
  typeof value === "string" && value.length <= longest && pattern.test(value);

/** Returns the intended text of a number or boolean. */
const meantText = (value: unknown, form: Form): string | null =>
  ["number", "bigint", "boolean"].includes(typeof value) && fits(String(value), form) ? String(value) : null;

/** A string of a given form. */
export function text(rule: Form & { readonly default: string }): Field<string, false>;
export function text(rule: Form): Field<string, true>;
export function text(rule: Form & { readonly default?: string }): Field<string, boolean> {
  const { normal } = rule;
  const defined = define<string>({
    form: rule.form,
    schema: textSchema(rule),
    accepts: (value) => fits(value, rule),
    meant: (value) => meantText(value, rule),
    isOneLine: !rule.lines,
  });
  const field: Field<string> =
    normal === undefined
      ? defined
      : {
          ...defined,
          read: (...given) => {
            const read = defined.read(...given);
            return read === UNREADABLE ? read : normal(read);
          },
        };
  return rule.default === undefined ? field : withDefault(field, rule.default);
}

/** The ID of an existing resource, or a placeholder ID, which cannot be deployed. */
export type Id = string | { readonly example: string };

/** Returns the text of an ID. */
export const idOf = (id: Id): string => (typeof id === "string" ? id : id.example);

/** An ID of a given form. */
export function id(rule: Form): Field<Id, true> {
  const accepts = (value: unknown) => fits(isExample(value) ? value.example : value, rule);
  const { form } = rule;
  const schema = { anyOf: [textSchema(rule), objectSchema({ example: { required: true, schema: textSchema(rule) } })] };
  return define<Id>({ form, schema, accepts, meant: (value) => meantText(value, rule), isOneLine: true });
}

const isExample = (value: unknown): value is { readonly example: string } =>
  isPlainObject(value) && Object.keys(value).length === 1 && typeof ownValue(value, "example") === "string";

/** Returns the paths of placeholder IDs. */
export function examplesIn(value: unknown, path: string): readonly string[] {
  if (isExample(value)) return [path];
  if (Array.isArray(value)) return value.flatMap((entry, index) => examplesIn(entry, `${path}[${index}]`));
  return isPlainObject(value) ? Object.entries(value).flatMap(([key, entry]) => examplesIn(entry, keyPath(path, key))) : [];
}

/** One value of a closed list; `retired` explains values that are no longer allowed. */
export function choice<const T extends string | number>(
  values: readonly T[],
  defaultValue: T,
  retired: ReadonlyMap<unknown, string> = new Map(),
): Field<T, false> {
  const form = listed(values);
  const field: Field<T> = {
    required: false,
    default: defaultValue,
    form,
    schema: { description: form, enum: values, default: defaultValue },
    read(written, path, report) {
      if (values.includes(written as T)) return written as T;
      const meant = values.find((value) => typeof written !== "object" && typeof written !== "symbol" && String(value) === String(written));
      report(violation(path, `must be ${form}`, written, retired.get(written) ?? remedyOf(written, meant ?? null)));
      return UNREADABLE;
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
  const form = `${field.form}, or null`;
  return {
    required: false,
    default: null,
    form,
    schema: { ...orNull(field.schema), description: form, default: null },
    ...(field.fields === undefined ? {} : { fields: field.fields }),
    read: (written, path, report) => (written === null ? null : field.read(written, path, report)),
  };
}

/** A group of settings; if it is left out, each setting has its default. */
export function group<F extends Fields>(fields: F): Field<Settings<F>, false, Written<F>> {
  const form = `an object with ${Object.keys(fields).join(", ")}`;
  return {
    required: false,
    default: readFields(fields, {}, "", () => undefined),
    form,
    schema: { description: form, ...objectSchema(fields) },
    fields,
    read(written, path, report) {
      const settings = readFields(fields, written, path, report);
      return isPlainObject(written) ? settings : UNREADABLE;
    },
  };
}

/** A group, or the value of one of its settings alone. */
export function shorthand<F extends Fields, K extends keyof F & string>(
  fields: F,
  key: K,
): Field<Settings<F>, false, Written<F> | Exclude<WrittenOf<F[K]>, null>> {
  const whole = group(fields);
  const one = fields[key] as Field<unknown>;
  const form = `${one.form}, or ${whole.form}`;
  return {
    ...whole,
    form,
    schema: { description: form, anyOf: [exceptNull(one.schema), whole.schema] },
    read(written, path, report) {
      if (isPlainObject(written) || written === null) return whole.read(written, path, report);
      const value = readField(one, written, path, report);
      return value === UNREADABLE ? UNREADABLE : ({ ...whole.default, [key]: value } as Settings<F>);
    },
  };
}

/** A map with free keys of a given form. Written entries are added to the default, key by key. */
export function map<T, W>(
  value: Field<T, boolean, W>,
  key: Form,
  defaultValue: Readonly<Record<string, T>> = {},
): Field<Readonly<Record<string, T>>, false, Readonly<Record<string, W>>> {
  return {
    required: false,
    default: defaultValue,
    form: "an object",
    schema: {
      description: `an object; a key is ${key.form}`,
      type: "object",
      propertyNames: textSchema(key),
      additionalProperties: value.schema,
      default: defaultValue as JsonObject,
    },
    read(written, path, report) {
      if (!isPlainObject(written)) {
        report(violation(path, "must be an object", written, written === null ? "leave it out for the default" : ""));
        return UNREADABLE;
      }
      const own = Object.entries(written).filter(([, entry]) => entry !== undefined);
      const read = own.map(([name, entry]) => {
        const at = `${path}.${name}`;
        if (fits(name, key)) return [name, value.read(entry, at, report)] as const;
        report(violation(at, `key must be ${key.form}`, name));
        return [name, UNREADABLE] as const;
      });
      return toEntries([...new Map([...Object.entries(defaultValue), ...read])]) as Readonly<Record<string, T>>;
    },
  };
}

/** A field without a default: undefined if it is left out. */
export const optional = <T, W>(field: Field<T, boolean, W>): Field<T | undefined, false, W> => ({
  ...field,
  required: false,
  default: undefined,
  schema: withoutDefault(field.schema),
});

export function list<T, W>(item: Field<T, boolean, W>): Field<readonly T[], false, readonly W[]> {
  return {
    required: false,
    default: [],
    form: "a list",
    schema: { description: `a list; each is ${item.form}`, type: "array", items: item.schema, default: [] },
    ...(item.fields === undefined ? {} : { fields: item.fields }),
    read(written, path, report) {
      if (Array.isArray(written) && written.length > MOST_VALUES) {
        report({ path, rule: `must have at most ${MOST_VALUES} entries`, got: String(written.length), remedy: "" });
        return UNREADABLE;
      }
      // A sparse list has holes, which `map` would keep.
      if (Array.isArray(written))
        return toList(Array.from(written, (entry: unknown, index) => item.read(entry, `${path}[${index}]`, report))) as readonly T[];
      const remedy = typeof written === "string" ? "put it in square brackets" : "";
      report(violation(path, "must be a list", written, written === null ? "leave it out for the default" : remedy));
      return UNREADABLE;
    },
  };
}

/** A string, boolean or finite number. */
export function scalar(): Field<string | number | boolean, true> {
  const accepts = (value: unknown) => fits(value, ANY_TEXT) || typeof value === "boolean" || Number.isFinite(value);
  const schema = { type: ["string", "number", "boolean"] };
  return define<string | number | boolean>({ form: "a string, number or boolean", schema, accepts, meant: () => null, isOneLine: true });
}

const ANY_TEXT: Form = { pattern: /^/, form: "a string" };

/** Limits far above any real values file: nested levels, and values in total. They also limit the entries of a list. */
const MOST_LEVELS = 100;
const MOST_VALUES = 20_000;

/** Any plain data, such as the values of a Helm chart. */
export function json(): Field<JsonObject, false> {
  const form = `an object of plain data (JSON) with at most ${MOST_LEVELS} levels and ${MOST_VALUES} values`;
  const accepts = (value: unknown) => isPlainObject(value) && isPlainData(value, { levels: MOST_LEVELS, values: MOST_VALUES });
  return withDefault(define<JsonObject>({ form, schema: { type: "object" }, accepts, meant: () => null }), {});
}
