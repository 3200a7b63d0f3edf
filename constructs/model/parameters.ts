import type { MajorVersion } from "./instance";
import catalogue from "./parameter-catalogue.json";

/** The allowed values of a parameter. */
export interface ParameterType {
  readonly type: "bool" | "integer" | "real" | "enum" | "string";
  /** The unit of a number without one. */
  readonly unit?: string;
  /** In `unit`. */
  readonly min?: number;
  readonly max?: number;
  /** Values of an enum. */
  readonly values?: readonly string[];
  /** Whether a change takes effect only at a restart (context `postmaster` of `pg_settings`); left out otherwise. */
  readonly restart?: boolean;
}

/** A configuration parameter as `pg_settings` describes it. `infra/docs/parameters.ts` writes the catalogue. */
export interface Parameter extends ParameterType {
  /** In lower case; PostgreSQL ignores case. */
  readonly name: string;
  /** The first and the last major version with this definition, unless all have it. */
  readonly from?: number;
  readonly to?: number;
}

export type ParameterValue = string | number | boolean;

const DEFINITIONS: ReadonlyMap<string, readonly Parameter[]> = groupByName(catalogue as readonly Parameter[]);

function groupByName(parameters: readonly Parameter[]): ReadonlyMap<string, readonly Parameter[]> {
  const groups = new Map<string, Parameter[]>();
  for (const parameter of parameters) groups.set(parameter.name, [...(groups.get(parameter.name) ?? []), parameter]);
  return groups;
}

/** Returns PostgreSQL's definition of a parameter; null if this major version has none of that name. */
export function findParameter(name: string, majorVersion: MajorVersion): Parameter | null {
  const definitions = DEFINITIONS.get(name.toLowerCase()) ?? [];
  return definitions.find(({ from = 0, to = Number.POSITIVE_INFINITY }) => majorVersion >= from && majorVersion <= to) ?? null;
}

/** Returns every name that this major version knows. */
export function parameterNames(majorVersion: MajorVersion): readonly string[] {
  const names = NAMES.get(majorVersion) ?? [...DEFINITIONS.keys()].filter((name) => findParameter(name, majorVersion) !== null);
  NAMES.set(majorVersion, names);
  return names;
}

const NAMES = new Map<MajorVersion, readonly string[]>();

/** Returns the rule that a value violates, or null if PostgreSQL accepts it. The content of strings is not checked here. */
export function checkValue(parameter: ParameterType, value: ParameterValue): string | null {
  return toPlainValue(parameter, value) === null ? describe(parameter) : null;
}

/** Returns a value as `pg_settings.setting` shows it: numbers in the parameter's own unit. Null if PostgreSQL rejects it. */
export function toPlainValue(parameter: ParameterType, value: ParameterValue): string | null {
  const text = String(value);
  switch (parameter.type) {
    case "bool":
      return readBoolean(text);
    case "enum":
      return readEnum(parameter, text);
    case "integer":
    case "real": {
      const number = readNumber(parameter, text);
      return number === null ? null : String(number);
    }
    case "string":
      return text;
  }
}

/** Converts a number from a parameter's own unit to the smallest one: sizes in bytes, times in microseconds. */
export const toBase = ({ unit }: ParameterType, value: number): number => (unit === undefined ? value : value * sizeOf(unit));

/** Returns a value of `pg_settings` as a person writes it: booleans as on and off, sizes and times in the largest unit without a fraction. */
export function toWrittenValue(parameter: ParameterType, value: ParameterValue): string {
  const plain = toPlainValue(parameter, value);
  const number = Number(plain);
  // Zero and negative numbers have a special meaning, such as off.
  if (plain === null || parameter.unit === undefined || parameter.type !== "integer" || !(number > 0)) return plain ?? String(value);
  const base = toBase(parameter, number);
  const [unit, size] = [...unitsOf(parameter.unit)].filter(([, each]) => base % each === 0).at(-1) ?? [parameter.unit, base / number];
  return `${base / size}${unit}`;
}

function describe({ type, unit, min, max, values = [] }: ParameterType): string {
  switch (type) {
    case "bool":
      return "must be on or off";
    case "enum":
      return `must be one of ${values.join(", ")}`;
    case "integer":
    case "real": {
      const range = max === undefined || max > Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      const units = unit === undefined ? "" : ` (in ${unit}, or with a unit: ${[...unitsOf(unit).keys()].join(", ")})`;
      return `must be a ${type === "integer" ? "whole number" : "number"} ${range}${units}`;
    }
    case "string":
      return "must be text";
  }
}

/** PostgreSQL's `parse_bool`: any unambiguous beginning, in any case. */
function readBoolean(text: string): string | null {
  if (/^(t|tr|tru|true|y|ye|yes|on|1)$/i.test(text)) return "on";
  return /^(f|fa|fal|fals|false|n|no|of|off|0)$/i.test(text) ? "off" : null;
}

/** Further spellings that enums accept, by the value that `pg_settings` shows. Unlike booleans, they cannot be abbreviated. */
const HIDDEN: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  on: new Map(["true", "yes", "1"].map((spelling) => [spelling, "on"])),
  off: new Map(["false", "no", "0"].map((spelling) => [spelling, "off"])),
  debug5: new Map([
    ["debug", "debug2"],
    ["info", "info"],
  ]),
};

function readEnum({ values = [] }: ParameterType, text: string): string | null {
  const written = text.toLowerCase();
  const shown = values.find((value) => value.toLowerCase() === written);
  return shown ?? values.map((value) => HIDDEN[value]?.get(written)).find((hidden) => hidden !== undefined) ?? null;
}

/** Each unit in the smallest one of its kind. Case matters. https://www.postgresql.org/docs/17/config-setting.html */
const MEMORY: ReadonlyMap<string, number> = new Map(Object.entries({ B: 1, kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }));
const TIME: ReadonlyMap<string, number> = new Map(Object.entries({ us: 1, ms: 1e3, s: 1e6, min: 6e7, h: 3.6e9, d: 8.64e10 }));

const unitsOf = (unit: string): ReadonlyMap<string, number> => (TIME.has(unit) ? TIME : MEMORY);

/** A parameter's own unit; `8kB` is a block. */
function sizeOf(unit: string): number {
  const [, count, name = ""] = /^(\d*)(\w+)$/.exec(unit) ?? [];
  return Number(count || 1) * (unitsOf(name).get(name) ?? Number.NaN);
}

const DECIMAL = "(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?";
// C's blanks, which do not include the no-break space.
const BLANKS = "[ \\t\\n\\v\\f\\r]*";
const NUMBER = new RegExp(`^${BLANKS}([+-]?)(0[xX][\\da-fA-F]+|${DECIMAL})${BLANKS}([A-Za-z]*)${BLANKS}$`);

/** PostgreSQL's `parse_int` and `parse_real`: in the parameter's unit, or null. */
function readNumber(
  { type, unit, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: ParameterType,
  text: string,
): number | null {
  const [, sign, digits, written = ""] = NUMBER.exec(text) ?? [];
  if (digits === undefined) return null;
  // C reads 010 as eight if a whole number is expected.
  const isOctal = type === "integer" && /^0\d+$/.test(digits);
  const magnitude = Number(isOctal ? `0o${digits}` : digits);
  const value = toUnit(sign === "-" ? -magnitude : magnitude, written, unit);
  if (value === null) return null;
  const number = type === "integer" ? roundHalfEven(value) : value;
  return number >= min && number <= max ? number : null;
}

/** Converts a number with a unit. PostgreSQL first rounds a fraction, as in 30.1GB, to whole units of the next smaller kind. */
function toUnit(value: number, written: string, unit: string | undefined): number | null {
  if (written === "") return value;
  if (unit === undefined) return null;
  const units = unitsOf(unit);
  const size = units.get(written);
  if (size === undefined) return null;
  const smaller = Math.max(...[...units.values()].filter((other) => other < size));
  const whole = smaller > 0 ? roundHalfEven((value * size) / smaller) * smaller : value * size;
  return whole / sizeOf(unit);
}

/** As C's `rint`: 0.5 is 0, 1.5 is 2. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
