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
  // JavaScript's own form is the same, but for numbers whose neighbours are so far apart that a short decimal lies between two.
  if (type === "float8" && Math.abs(value) < 2 ** FLOATS.float8.bits) return value.toExponential();
  const read = type === "float8" ? Number : (text: string) => Math.fround(Number(text));
  for (let digits = 0; digits < FLOATS[type].digits - 1; digits += 1) {
    const text = value.toExponential(digits);
    if (read(text) === value && !isBetween(text, value, FLOATS[type].bits)) return text.replace(/\.?0+e/, "e");
  }
  return value.toExponential(FLOATS[type].digits - 1).replace(/\.?0+e/, "e");
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
