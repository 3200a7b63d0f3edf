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

/** The exponents between which PostgreSQL writes a float without one. */
const PLAIN = { float4: [-4, 6], float8: [-4, 15] } as const;

/** Returns a float in the shortest form that reads back the same, as PostgreSQL prints it with `extra_float_digits` 1. */
export function toFloat(value: number, type: "float4" | "float8"): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (Object.is(value, -0)) return "-0";
  const [mantissa = "", written = "0"] = (type === "float8" ? value.toExponential() : shortestSingle(value)).split("e");
  const exponent = Number(written);
  const [lowest, highest] = PLAIN[type];
  const [, sign = "", digits = ""] = /^(-?)(.*)$/.exec(mantissa.replace(".", "")) ?? [];
  if (exponent < lowest || exponent >= highest)
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Digits of a single-precision number that always suffice. */
const SINGLE_DIGITS = 9;

function shortestSingle(value: number): string {
  for (let digits = 0; digits < SINGLE_DIGITS; digits += 1) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return text.replace(/\.?0+e/, "e");
  }
  return value.toExponential(SINGLE_DIGITS - 1);
}
