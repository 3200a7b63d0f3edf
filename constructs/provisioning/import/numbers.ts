import { Unfitting } from "./unfitting";

/** Most digits before the point, and behind it: https://www.postgresql.org/docs/17/datatype-numeric.html */
const NUMERIC = { before: 131_072, behind: 16_383 } as const;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * Returns a decimal number as PostgreSQL prints it as `numeric`: without an exponent, with the digits behind the point that it was
 * written with.
 *
 * @throws Unfitting if it is not a number, or has too many digits.
 */
export function toNumeric(text: string): string {
  const [, sign = "", before = "", behind = "", exponent = "0"] = DECIMAL.exec(text) ?? [];
  if (before === "" && behind === "") throw new Unfitting("must be a number");
  const shift = Number(exponent);
  if (before.length + shift > NUMERIC.before || behind.length - shift > NUMERIC.behind) throw new Unfitting("must fit numeric");
  const digits = before + behind;
  const point = before.length + shift;
  const scale = Math.max(0, behind.length - shift);
  const whole = point <= 0 ? "" : digits.slice(0, point).padEnd(point, "0");
  const fraction = point < 0 ? "0".repeat(-point) + digits : digits.slice(point);
  const trimmed = whole.replace(/^0+(?=\d)/, "") || "0";
  const rest = fraction.padEnd(scale, "0").slice(0, scale);
  const isZero = /^[0.]*$/.test(trimmed + rest);
  return `${sign === "-" && !isZero ? "-" : ""}${trimmed}${rest === "" ? "" : `.${rest}`}`;
}

/** Of each type: the exponents between which PostgreSQL writes no exponent, the bits of a mantissa, and digits that always suffice. */
const FLOATS = {
  float4: { plain: [-4, 6], bits: 24, digits: 9 },
  float8: { plain: [-4, 15], bits: 53, digits: 17 },
} as const;
type Float = keyof typeof FLOATS;

/** Returns a float in the shortest form that reads back the same, as PostgreSQL prints it with `extra_float_digits` 1. */
export function toFloat(value: number, type: Float): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", written = "0"] = shortest(value, type).split("e");
  const exponent = Number(written);
  const [lowest, highest] = FLOATS[type].plain;
  if (exponent < lowest || exponent >= highest)
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  const [, sign = "", digits = ""] = /^(-?)(.*)$/.exec(mantissa.replace(".", "")) ?? [];
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

function shortest(value: number, type: Float): string {
  const { bits, digits } = FLOATS[type];
  // JavaScript's own form is the shortest, too, but may lie between two neighbours.
  const own = value.toExponential();
  if (type === "float8" && !isBetween(own, value, bits)) return own;
  const read = type === "float8" ? Number : (text: string) => Math.fround(Number(text));
  for (let behind = 0; behind < digits; behind += 1) {
    const fitting = around(value.toExponential(behind)).filter((text) => read(text) === value && !isBetween(text, value, bits));
    const [nearest] = fitting.sort((a, b) => Math.abs(Number(a) - value) - Math.abs(Number(b) - value));
    if (nearest !== undefined) return nearest.replace(/\.?0+e/, "e");
  }
  return own;
}

/** A decimal, and those that differ by one in its last digit: below a power of two, the rounded one may not be the shortest. */
function around(text: string): readonly string[] {
  const [, sign = "", first = "", rest = "", exponent = ""] = /^(-?)(\d)(?:\.(\d+))?e(.*)$/.exec(text) ?? [];
  const digits = BigInt(first + rest);
  return [digits, digits - 1n, digits + 1n].map((each) =>
    Number(`${sign}${each}e${Number(exponent) - rest.length}`).toExponential(rest.length),
  );
}

/** Whether a decimal lies exactly between a number and its neighbour: PostgreSQL does not count on rounding to the even one. */
function isBetween(text: string, value: number, bits: number): boolean {
  if (Math.abs(value) < 2 ** bits) return false;
  const exact = BigInt(value);
  const size = exact < 0n ? -exact : exact;
  const written = size - BigInt(toNumeric(text.replace(/^-/, "")));
  const apart = written < 0n ? -written : written;
  const length = size.toString(2).length;
  const gap = 1n << BigInt(length - bits);
  // Below a power of two, neighbours are half as far apart.
  const isPower = size === 1n << BigInt(length - 1);
  return apart * 2n === gap || (isPower && written > 0n && apart * 4n === gap);
}
