import { isObject, mapValues } from "../constructs/model/json";

/** Content of one stack by type and name: properties, and in parentheses what a deployment does with the resource. */
export type StackSnapshot = Readonly<Record<string, unknown>>;
/** What a deployment would create, by stack. Contains no secrets and no values that change without a reason. */
export type Snapshot = Readonly<Record<string, StackSnapshot>>;

/** Most characters of a value that a difference shows. */
const SHOWN = 100;
/** Characters to show before the first difference of two long values. */
const BEFORE = 30;
/** Keys that name an element of a list in Kubernetes and CloudFormation. */
const NAMING = ["name", "Key", "Sid"];

/** Sorts keys and parses texts that are JSON, so that values are easier to compare. */
export function toReadable(value: unknown): unknown {
  if (typeof value === "string") return isJsonText(value) ? toReadable(JSON.parse(value)) : value;
  if (Array.isArray(value)) return value.map(toReadable);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return mapValues(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), toReadable);
}

/** Whether a text is a JSON object or list. */
function isJsonText(text: string): boolean {
  if (!/^[{[]/.test(text)) return false;
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** A difference between a committed snapshot and a deployment. */
export interface Change {
  /** `<folder>/<stack>` */
  readonly stack: string;
  /** Null if the stack no longer exists. */
  readonly content: StackSnapshot | null;
  /** The difference in lines: the stack, its resources, and their properties. */
  readonly lines: readonly string[];
}

/** Returns changes by stack. @param committed null for a file that is not a valid snapshot. */
export function findChanges(committed: Readonly<Record<string, StackSnapshot | null>>, current: Snapshot): readonly Change[] {
  return keysOf(committed, current).flatMap((stack) => {
    const [before, content = null] = [committed[stack], current[stack]];
    const lines = compareStacks(stack, before, content);
    return lines.length === 0 ? [] : [{ stack, content, lines }];
  });
}

function compareStacks(stack: string, before: StackSnapshot | null | undefined, after: StackSnapshot | null): readonly string[] {
  if (after === null) return [`- ${stack}: the stack no longer exists`];
  if (before === undefined) return [`+ ${stack}: no snapshot yet`];
  if (before === null) return [`! ${stack}: is not a valid snapshot`];
  const lines = keysOf(before, after).flatMap((resource) => {
    if (!Object.hasOwn(before, resource)) return [`  + ${resource}`];
    if (!Object.hasOwn(after, resource)) return [`  - ${resource}`];
    const changed = compare(before[resource], after[resource], "");
    return changed.length === 0 ? [] : [`    ${resource}`, ...changed.map((line) => `        ${line}`)];
  });
  return lines.length === 0 ? [] : [stack, ...lines];
}

const keysOf = (a: object, b: object): readonly string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();

function compare(before: unknown, after: unknown, path: string): readonly string[] {
  if (toText(before) === toText(after)) return [];
  if (before === undefined) return [`${path}: added ${show(after)}`];
  if (after === undefined) return [`${path}: removed ${show(before)}`];
  if (isObject(before) && isObject(after)) return compareEntries(before, after, (key) => (path === "" ? key : `${path}.${key}`));
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  return [`${path}: ${showBoth(before, after).join(" -> ")}`];
}

const compareEntries = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  pathOf: (key: string) => string,
): readonly string[] =>
  keysOf(before, after).flatMap((key) => {
    const [had, has] = [before, after].map((each) => (Object.hasOwn(each, key) ? each[key] : undefined));
    return compare(had, has, pathOf(key));
  });

/** Compares named elements by name; others by position, or, if their number differs, lists elements that only one side has. */
function compareLists(before: readonly unknown[], after: readonly unknown[], path: string): readonly string[] {
  const [had, has] = [byName(before), byName(after)];
  if (had !== null && has !== null) {
    const lines = compareEntries(had, has, (name) => `${path}[${name}]`);
    return lines.length > 0 ? lines : [`${path}: the order changed`];
  }
  if (before.length === after.length) return before.flatMap((each, index) => compare(each, after[index], `${path}[${index}]`));
  return [
    ...without(before, after).map((each) => `${path}: removed ${show(each)}`),
    ...without(after, before).map((each) => `${path}: added ${show(each)}`),
  ];
}

/** Null if an element has no name, or if two have the same. */
function byName(list: readonly unknown[]): Readonly<Record<string, unknown>> | null {
  const names = list.map(nameOf);
  if (names.includes(null) || new Set(names).size < names.length) return null;
  return Object.fromEntries(list.map((each, index) => [String(names[index]), each]));
}

function nameOf(element: unknown): string | null {
  if (!isObject(element)) return null;
  if (isObject(element.metadata)) return `${element.kind} ${element.metadata.name}`;
  const name = NAMING.map((key) => element[key]).find((each) => typeof each === "string");
  return typeof name === "string" ? name : null;
}

/** Elements of a list that another list lacks, or has less often. */
function without(list: readonly unknown[], other: readonly unknown[]): readonly unknown[] {
  const left = other.map(toText);
  return list.filter((each) => {
    const found = left.indexOf(toText(each));
    if (found >= 0) left.splice(found, 1);
    return found < 0;
  });
}

const toText = (value: unknown): string => JSON.stringify(value) ?? "";

/** Plain texts unchanged, other values as JSON. */
const plain = (value: unknown): string => (typeof value === "string" && /^[^\p{Cc}]+$/u.test(value) ? value : toText(value));

const show = (value: unknown): string => shorten(plain(value), 0);

/** Two values on one line, from their first difference. */
function showBoth(before: unknown, after: unknown): readonly string[] {
  // "5" and 5 would look alike.
  const write = typeof before === typeof after ? plain : toText;
  const [had, has] = [write(before), write(after)];
  let same = 0;
  while (same < had.length && had[same] === has[same]) same++;
  const isLong = Math.max(had.length, has.length) > SHOWN;
  return [had, has].map((text) => shorten(text, isLong ? Math.max(0, same - BEFORE) : 0));
}

function shorten(text: string, from: number): string {
  const end = text.length - from > SHOWN ? "..." : "";
  return `${from > 0 ? "..." : ""}${text.slice(from, from + SHOWN)}${end}`;
}
