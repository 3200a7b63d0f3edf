import type { Column } from "./catalogue";
import { toJsonb } from "./json-text";
import { toFloat, toNumeric } from "./numbers";
import { type Moment, readMoment, toDate, toInterval, toTime, toTimestamp } from "./times";
import { Unfitting } from "./unfitting";

/** A value as SQLite keeps it. Texts come as their bytes, since a text may hold NUL, or no UTF-8. */
export type SqliteValue = number | bigint | string | Uint8Array | null;

/** Types whose values are read as they are: SQLite keeps numbers of these. Bytes of a UUID are one in binary form, unlike a text of 16 letters. */
const AS_THEY_ARE = ["bool", "int2", "int4", "int8", "float4", "float8", "uuid"];
/** Whether a column's texts must come as bytes. */
export const takesBytes = ({ type }: Pick<Column, "type">): boolean => !AS_THEY_ARE.includes(type);

/** Whether a value may be shown: numbers and times may, a text may be a secret. */
export const isShown = (column: Column): boolean =>
  !takesBytes(column) || column.labels !== null || /^(numeric|date|time|interval)/.test(column.type);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Converts a value of SQLite to the text that PostgreSQL prints for it in a column of the target, so that what was sent and what was
 * stored can be compared as lines.
 *
 * @throws Unfitting with the rule that the value breaks.
 */
export function convert(value: SqliteValue, column: Column): string | null {
  if (value === null) {
    if (column.notNull) throw new Unfitting("must not be null");
    return null;
  }
  if (column.type === "bytea") return `\\x${Buffer.from(typeof value === "object" ? value : String(value)).toString("hex")}`;
  if (column.type === "uuid") return toUuid(value);
  const plain = typeof value === "object" ? decode(value) : value;
  if (column.labels !== null) return toLabel(String(plain), column.labels);
  const into = Object.hasOwn(TYPES, column.type) ? TYPES[column.type] : undefined;
  if (into === undefined) throw new Unfitting(`must be converted to ${column.declared}, which SQLite has no form for`);
  return into(plain, column);
}

type Plain = number | bigint | string;

const TYPES: Readonly<Record<string, (value: Plain, column: Column) => string>> = {
  bool: toBoolean,
  int2: (value) => toInteger(value, 15n, "smallint"),
  int4: (value) => toInteger(value, 31n, "integer"),
  int8: (value) => toInteger(value, 63n, "bigint"),
  float4: (value) => toFloat(single(toNumber(value)), "float4"),
  float8: (value) => toFloat(toNumber(value), "float8"),
  numeric: (value, { modifier }) => scaled(toNumeric(String(value)), modifier),
  json: (value) => withoutNul(readJson(value)),
  jsonb: (value) => toJsonb(storable(readJson(value))),
  text: (value) => withoutNul(String(value)),
  varchar: (value, column) => withoutNul(limited(String(value), lengthOf(column))),
  bpchar: (value, column) => withoutNul(padded(limited(String(value).replace(/ +$/, ""), lengthOf(column)), lengthOf(column))),
  timestamptz: (value) => `${toTimestamp(moment(value))}+00`,
  timestamp: (value) => toTimestamp(inUtc(moment(value))),
  date: (value) => toDate(String(value)),
  time: (value) => toTime(String(value)),
  interval: (value) => toInterval(moment(value)),
};

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Unfitting("must be UTF-8");
  }
}

const TRUE = ["1", "true", "True", "t"];
const FALSE = ["0", "false", "False", "f"];

function toBoolean(value: Plain): string {
  const text = String(value);
  if (TRUE.includes(text)) return "t";
  if (FALSE.includes(text)) return "f";
  throw new Unfitting("must be 0 or 1");
}

function toInteger(value: Plain, bits: bigint, name: string): string {
  const isWhole = typeof value === "bigint" || (typeof value === "number" ? Number.isInteger(value) : /^[+-]?\d+$/.test(value));
  if (!isWhole) throw new Unfitting("must be a whole number");
  const whole = BigInt(value);
  if (whole >= 1n << bits || whole < -(1n << bits)) throw new Unfitting(`must fit ${name}`);
  return String(whole);
}

const FLOAT = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;
const WORDS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Infinity,
  infinity: Infinity,
  "-inf": -Infinity,
  "-infinity": -Infinity,
};

function toNumber(value: Plain): number {
  if (typeof value !== "string") return Number(value);
  const word = WORDS[value.trim().toLowerCase()];
  if (word !== undefined) return word;
  if (!FLOAT.test(value)) throw new Unfitting("must be a number");
  const number = Number(value);
  if (!Number.isFinite(number)) throw new Unfitting("must fit double precision");
  return number;
}

function single(value: number): number {
  const rounded = Math.fround(value);
  if ((Number.isFinite(value) && !Number.isFinite(rounded)) || (value !== 0 && rounded === 0)) throw new Unfitting("must fit real");
  return rounded;
}

/** `numeric(p, s)` keeps both in its modifier: https://github.com/postgres/postgres/blob/REL_17_0/src/include/utils/numeric.h */
function scaled(text: string, modifier: number): string {
  if (modifier < 0) return text;
  const [precision, scale] = [((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff];
  const [whole = "", fraction = ""] = text.split(".");
  const kept = fraction.replace(/0+$/, "");
  if (kept.length > scale || whole.replace(/^-?0*/, "").length > precision - scale)
    throw new Unfitting(`must fit numeric(${precision},${scale})`);
  return scale === 0 ? whole : `${whole}.${kept.padEnd(scale, "0")}`;
}

function toUuid(value: Exclude<SqliteValue, null>): string {
  const bytes = typeof value === "object" && value.length === 16 ? Buffer.from(value).toString("hex") : null;
  const hex =
    bytes ??
    String(typeof value === "object" ? decode(value) : value)
      .replace(/[{}-]/g, "")
      .toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new Unfitting("must be a UUID");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function toLabel(text: string, labels: readonly string[]): string {
  if (!labels.includes(text)) throw new Unfitting(`must be one of ${labels.join(", ")}`);
  return text;
}

/** SQLite keeps a number that is the whole text of a JSON column as a number. */
function readJson(value: Plain): string {
  const text = String(value);
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new Unfitting(/\b(NaN|Infinity)\b/.test(text) ? "must be JSON without NaN and Infinity" : "must be JSON");
  }
}

const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/;
const LONE = /(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/;

/** What `json` takes and `jsonb` does not. */
function storable(text: string): string {
  if (!text.includes("\\u")) return text;
  if (ESCAPED_NUL.test(text)) throw new Unfitting("must not contain \\u0000");
  const decoded = text.replaceAll(/\\(u[0-9a-fA-F]{4}|.)/gs, (_all, each: string) =>
    each.length === 5 ? String.fromCharCode(Number.parseInt(each.slice(1), 16)) : " ",
  );
  if (LONE.test(decoded)) throw new Unfitting("must not contain half of a surrogate pair");
  return text;
}

function withoutNul(text: string): string {
  if (text.includes("\0")) throw new Unfitting("must not contain a NUL byte");
  return text;
}

/** `varchar(n)` and `char(n)` keep n and the size of a header. */
const lengthOf = ({ modifier }: Column): number => (modifier < 0 ? Number.POSITIVE_INFINITY : modifier - 4);

function limited(text: string, most: number): string {
  if (text.length > most && [...text].length > most) throw new Unfitting(`must have at most ${most} characters`);
  return text;
}

const padded = (text: string, length: number): string => (Number.isFinite(length) ? text + " ".repeat(length - [...text].length) : text);

function moment(value: Plain): Moment {
  const read = typeof value === "string" ? readMoment(value) : null;
  if (read === null) throw new Unfitting("must be a date and time, such as 2026-11-30 12:00:00.000000");
  return read;
}

function inUtc(value: Moment): Moment {
  if (value.hasOffset) throw new Unfitting("must be in UTC: the column has no time zone");
  return value;
}
