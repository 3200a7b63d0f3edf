/** What `COPY` escapes in its text format: https://www.postgresql.org/docs/17/sql-copy.html */
const ESCAPED = /[\\\n\r\t\b\f\v]/;
const ALL_ESCAPED = /[\\\n\r\t\b\f\v]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  "\v": "\\v",
};

/** A value within a line of `COPY`; null is NULL. */
export function toField(text: string | null): string {
  if (text === null) return "\\N";
  return ESCAPED.test(text) ? text.replaceAll(ALL_ESCAPED, (each) => ESCAPES[each] ?? each) : text;
}
