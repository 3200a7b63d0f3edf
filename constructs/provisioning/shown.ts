/** The most characters of a foreign text that a message shows. */
const LONGEST = 300;

/** Returns any name as SQL that can be pasted; a line break would be lost in a message. https://www.postgresql.org/docs/17/sql-syntax-lexical.html */
export function identifier(name: string): string {
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (!HIDDEN.test(name)) return quoted;
  const escaped = quoted.replaceAll("\\", "\\\\").replaceAll(new RegExp(HIDDEN, "gu"), toEscape);
  return `U&${escaped}`;
}

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;
const toEscape = (character: string): string => `\\+${(character.codePointAt(0) ?? 0).toString(16).padStart(6, "0")}`;

/** Returns a text on one line, without control characters. */
export const onOneLine = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();

/** Returns a platform's or server's text in a form that is safe to show: on one line, without control characters, and short. */
export function shown(text: string): string {
  const clean = onOneLine(text);
  return clean.length > LONGEST ? `${clean.slice(0, LONGEST)}...` : clean;
}
