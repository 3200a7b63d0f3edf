/** A start in minutes since Monday began, and a length. A daily window repeats every day. */
export interface Span {
  readonly start: number;
  readonly minutes: number;
  readonly daily: boolean;
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY = 24 * 60;
const WEEK = 7 * DAY;

/** `hh:mm-hh:mm` (daily) or `ddd:hh:mm-ddd:hh:mm` (weekly), whose form has been checked. */
export function spanOf(window: string): Span {
  const [from = "", to = ""] = window.split("-");
  const daily = from.split(":").length === 2;
  const [start, end] = [momentOf(from), momentOf(to)];
  const period = daily ? DAY : WEEK;
  return { start, minutes: (end - start + period) % period, daily };
}

/** Length of a window in minutes. */
export const minutesOf = (window: string): number => spanOf(window).minutes;

function momentOf(text: string): number {
  const parts = text.split(":");
  const [hours = 0, minutes = 0] = parts.slice(-2).map(Number);
  return (parts.length === 3 ? DAYS.indexOf(parts[0] ?? "") * DAY : 0) + hours * 60 + minutes;
}

/** Whether two windows share a minute. Their ends may touch. */
export function overlap(a: Span, b: Span): boolean {
  return startsOf(a).some((start) => startsOf(b).some((other) => meets(start, a.minutes, other) || meets(other, b.minutes, start)));
}

const startsOf = ({ start, daily }: Span): readonly number[] => (daily ? DAYS.map((_, day) => day * DAY + start) : [start]);
const meets = (start: number, minutes: number, moment: number): boolean => (moment - start + WEEK) % WEEK < minutes;
