import { isPlainObject } from "./json";

/** One error in the spec, in the user's terms. */
export interface Violation {
  /** Where it is in the spec, e.g. `instances.main.storageGib`. */
  readonly path: string;
  /** The violated rule, e.g. `must be at least 20`. */
  readonly rule: string;
  /** What was written, as shown to a person; null if there is nothing to show. */
  readonly got: string | null;
  /** What to do about it, unless the rule makes that clear. */
  readonly remedy: string;
  /** The rule's ID in `docs/reference/rules.md`; a field's own check has none. */
  readonly id?: string;
}

/** An error that the user can fix: printed as one message, without a stack trace. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** All errors of a spec together, reported before anything is created. */
export class SpecError extends UserError {
  override readonly name = "SpecError";

  constructor(readonly violations: readonly Violation[]) {
    super(`invalid spec:\n${violations.map((violation) => `  - ${formatViolation(violation)}`).join("\n")}`);
  }
}

/** `path: rule, got value; remedy [id]`. */
export function formatViolation({ path, rule, got, remedy, id }: Violation): string {
  const parts = [rule, got === null ? "" : `, got ${got}`, remedy === "" ? "" : `; ${remedy}`, id === undefined ? "" : ` [${id}]`];
  return `${onOneLine(path)}: ${parts.join("")}`;
}

/** Characters of a path's beginning and end that are shown. */
const PATH = { beginning: 200, end: 60 } as const;

/** Paths contain keys that a person wrote; these must not break the line, fill the page or control a terminal. */
const onOneLine = (path: string): string =>
  (path.length > PATH.beginning + PATH.end ? `${path.slice(0, PATH.beginning)}...${path.slice(-PATH.end)}` : path).replaceAll(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A login in an address, a named password, or PEM: secrets that people write into the wrong field. */
const SECRET = /:\/\/\S*@|^[^\s/@:]*:[^\s@]+@(?!sha256:)|(pass(word|wd)?|pwd)["']?\s*[=:]|-----BEGIN/i;
const HIDDEN = "a string that may contain a password or a key";
/** The most characters of a text that are searched for secrets and partly shown. */
const SEARCHED = 1_000;

/** Returns a written value as shown in a message: short, on one line. The content of an object is not shown, because it may be a secret. */
export function show(value: unknown): string {
  const text = toText(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function toText(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "string":
      return SECRET.test(value.slice(0, SEARCHED)) ? HIDDEN : JSON.stringify(value.slice(0, 60));
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : toKind(value);
    default:
      return String(value);
  }
}

function toKind(value: object): string {
  if (Array.isArray(value)) return "a list";
  const kind = [Date, Map, Set].find((each) => value instanceof each);
  if (kind !== undefined) return `a ${kind.name}`;
  return isPlainObject(value) ? "an object" : "a class instance";
}

export function violation(path: string, rule: string, got: unknown, remedy = ""): Violation {
  return { path, rule, got: isSecret(path, got) ? HIDDEN : show(got), remedy };
}

/** Whether someone may have written the password itself instead of a secret's name. */
const isSecret = (path: string, got: unknown): boolean =>
  typeof got === "string" && /(secret|password)$/i.test(path) && !/^(arn:|projects\/)/.test(got);
