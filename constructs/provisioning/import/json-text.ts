import { toNumeric } from "./numbers";
import { Unfitting } from "./unfitting";

/** A quote, an escaped character, or a number. A whole string at once could exceed the stack of regular expressions. */
const TOKEN = /"|\\.|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** What stands in a parsed text: numbers keep all their digits. */
type Parsed = string | boolean | null | readonly Parsed[] | { readonly [key: string]: Parsed };
const [STRING, NUMBER] = ["s", "n"];

/**
 * Returns a JSON text as PostgreSQL prints it as `jsonb`: keys by their length, then by their bytes, the last of several equal ones, and
 * each number with all its digits.
 *
 * @param text valid JSON, without `\u0000`.
 * @throws Unfitting if it is nested too deeply.
 * @see https://www.postgresql.org/docs/17/datatype-json.html
 */
export function toJsonb(text: string): string {
  // JSON.parse would round numbers, so each becomes a string; a letter tells the two apart.
  let isWithin = false;
  const marked = text.replaceAll(TOKEN, (token) => {
    if (token !== '"') return isWithin ? token : `"${NUMBER}${token}"`;
    isWithin = !isWithin;
    return isWithin ? `"${STRING}` : token;
  });
  const parsed = JSON.parse(marked) as Parsed;
  try {
    return print(parsed);
  } catch (error) {
    if (error instanceof RangeError) throw new Unfitting("must be nested less deeply");
    throw error;
  }
}

function print(value: Parsed): string {
  if (typeof value === "string") return value.startsWith(NUMBER) ? toNumeric(value.slice(1)) : quote(value.slice(1));
  if (value === null || typeof value === "boolean") return String(value);
  if (isList(value)) return `[${value.map(print).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => [Buffer.from(key.slice(1)), quote(key.slice(1)), item] as const);
  entries.sort(([a], [b]) => a.length - b.length || a.compare(b));
  return `{${entries.map(([, key, item]) => `${key}: ${print(item)}`).join(", ")}}`;
}

const isList = (value: Parsed): value is readonly Parsed[] => Array.isArray(value);

/** As PostgreSQL escapes: what JSON.stringify does, too, but for lone surrogates, which the server rejects. */
const quote = (text: string): string => JSON.stringify(text);
