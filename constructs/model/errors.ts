import { isPlainObject } from "./json";

/** One thing that is wrong in the spec, in the user's own terms. */
export interface Violation {
  /** Where it stands in the spec, e.g. `instances.main.storageGib`. */
  readonly path: string;
  /** What must hold, e.g. `must be at least 20`. */
  readonly rule: string;
  /** What was written, as shown to a person; null where there is nothing to show. */
  readonly got: string | null;
  /** What to do about it, if the rule does not already say so. */
  readonly remedy: string;
  /** The rule's id, with which `docs/reference/rules.md` says more; a field's own check has none. */
  readonly id?: string;
}

/** Something the user can mend: printed as one message, without a stack trace. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** Everything that is wrong in a spec, at once, before anything is created. */
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

/** Keys that a person wrote stand in paths: they neither break the line, nor fill the page, nor control a terminal. */
const onOneLine = (path: string): string =>
  (path.length > PATH.beginning + PATH.end ? `${path.slice(0, PATH.beginning)}...${path.slice(-PATH.end)}` : path).replaceAll(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A login in an address, a password by its name, PEM: what ends up in a field that wants another text. */
const SECRET = /:\/\/\S*@|^[^\s/@:]*:[^\s@]+@(?!sha256:)|(pass(word|wd)?|pwd)["']?\s*[=:]|-----BEGIN/i;
const HIDDEN = "a string that may contain a password or a key";
/** The longest beginning of a text that is searched for secrets, and of which a part is shown. */
const SEARCHED = 1_000;

/** A written value as shown in a message: short, on one line. What is in an object is not shown: it may be a secret. */
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

/** Whether the password itself may have been written where the name of a secret belongs. */
const isSecret = (path: string, got: unknown): boolean =>
  typeof got === "string" && /(secret|password)$/i.test(path) && !/^(arn:|projects\/)/.test(got);
