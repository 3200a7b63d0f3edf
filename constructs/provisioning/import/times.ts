import { Unfitting } from "./unfitting";

/** A moment in UTC. */
export interface Moment {
  /** Seconds since 1970-01-01. */
  readonly seconds: number;
  /** Of the second, 0 to 999,999. */
  readonly microseconds: number;
  /** Whether it was written with another offset than UTC's. */
  readonly hasOffset: boolean;
}

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d):?(\d\d)?)?$/;

/** Reads what SQLAlchemy writes, and ISO 8601; null if it is neither. Without an offset it is UTC. */
export function readMoment(text: string): Moment | null {
  const found = MOMENT.exec(text);
  if (found === null) return null;
  const [, year, month, day, hours, minutes, seconds = "0", fraction = "", sign = "+", offsetHours = "0", offsetMinutes = "0"] = found;
  const local = utc(Number(year), Number(month), Number(day), Number(hours), Number(minutes), Number(seconds));
  if (local === null) return null;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === "-" ? -60 : 60);
  return { seconds: local - offset, microseconds: toMicroseconds(fraction), hasOffset: offset !== 0 };
}

/** Null for what no calendar has, such as 02-30, and for years that Python does not write. */
function utc(year: number, month: number, day: number, hours: number, minutes: number, seconds: number): number | null {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hours, minutes, seconds);
  const isSame = year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hours < 24 && minutes < 60 && seconds < 60;
  return isSame ? date.getTime() / 1000 : null;
}

function toMicroseconds(fraction: string): number {
  if (/[1-9]/.test(fraction.slice(6))) throw new Unfitting("must have at most 6 digits of a second");
  return Number(fraction.slice(0, 6).padEnd(6, "0"));
}

const toFraction = (microseconds: number): string =>
  microseconds === 0 ? "" : `.${String(microseconds).padStart(6, "0").replace(/0+$/, "")}`;
const two = (number: number): string => String(number).padStart(2, "0");

/** As PostgreSQL prints `timestamp`. */
export function toTimestamp({ seconds, microseconds }: Moment): string {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  if (year < 1 || year > 9999) throw new Unfitting("must be of the years 1 to 9999 in UTC");
  return `${date.toISOString().slice(0, 19).replace("T", " ")}${toFraction(microseconds)}`;
}

/** As PostgreSQL prints an interval of hours, minutes and seconds. SQLAlchemy keeps one in SQLite as a moment after 1970-01-01. */
export function toInterval({ seconds, microseconds }: Moment): string {
  // Before 1970 the fraction counts the other way.
  const borrows = seconds < 0 && microseconds > 0;
  const whole = Math.abs(borrows ? seconds + 1 : seconds);
  const part = borrows ? 1_000_000 - microseconds : microseconds;
  const text = `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${toFraction(part)}`;
  return seconds < 0 ? `-${text}` : text;
}

/** As PostgreSQL prints `date`. */
export function toDate(text: string): string {
  const [, year = "", month = "", day = ""] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === "" || utc(Number(year), Number(month), Number(day), 0, 0, 0) === null)
    throw new Unfitting("must be a date, such as 2026-11-30");
  return text;
}

/** As PostgreSQL prints `time`. */
export function toTime(text: string): string {
  const [, time = "", fraction = ""] = /^([01]\d:[0-5]\d:[0-5]\d|2[0-3]:[0-5]\d:[0-5]\d)(?:\.(\d+))?$/.exec(text) ?? [];
  if (time === "") throw new Unfitting("must be a time, such as 12:00:00.000000");
  return `${time}${toFraction(toMicroseconds(fraction))}`;
}
