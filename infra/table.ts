import { stripVTControlCharacters } from "node:util";
import Table from "cli-table3";

/** Options of a table. */
export interface TableOptions {
  /** Of each column. Default: left. */
  readonly aligns?: readonly ("left" | "right")[];
  /** Most characters of a line; null for no limit. Default: the terminal's width. */
  readonly columns?: number | null;
}

/** Characters of a column in addition to its text. */
const BORDER = 1;
const PADDING = 2;

/**
 * Characters in a line of the terminal. Null for a file or a pipe, where lines are not wrapped, so that programs can search them. There,
 * `COLUMNS` sets a width, as it does for psql and git.
 */
export function terminalColumns(output: { readonly columns?: number } = process.stdout): number | null {
  const columns = output.columns || Number(process.env.COLUMNS);
  return Number.isInteger(columns) && columns > 0 ? columns : null;
}

/**
 * Draws a table. If it is wider than the terminal, cells wrap, first those that add the fewest lines. If words would break, each row
 * becomes a record of lines. Nothing is cut off.
 */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { aligns = [], columns = terminalColumns() } = options;
  const all = [head, ...rows];
  const natural = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))));
  const room = columns === null ? Number.POSITIVE_INFINITY : columns - head.length * (BORDER + PADDING) - BORDER;
  const widths = fitted(all, natural, room);
  if (widths === null) return toRecords(head, rows, columns);
  const [wrappedHead = [], ...wrapped] = all.map((row) => row.map((cell, column) => wrap(cell, widths[column] ?? 0)));
  const table = new Table({ head: wrappedHead, colAligns: head.map((_, column) => aligns[column] ?? "left"), style: PLAIN });
  table.push(...wrapped);
  return table.toString();
}

const PLAIN = { head: [], border: [] };

/** Draws each row as lines of a name and a value, with a line between rows. @param columns characters of a line; null for no limit. */
export function toRecords(head: readonly string[], rows: readonly (readonly string[])[], columns = terminalColumns()): string {
  const label = Math.max(...head.map(widthOf));
  const indent = " ".repeat(label + 2);
  const records = rows.map((row) =>
    head.map((name, column) => {
      return wrap(`${name}${" ".repeat(label - widthOf(name))}  ${row[column] ?? ""}`, columns, indent);
    }),
  );
  return records.map((lines) => lines.join("\n")).join("\n\n");
}

/** Narrows one column after another until they fit; null if a word would break. */
function fitted(all: readonly (readonly string[])[], natural: readonly number[], room: number): readonly number[] | null {
  let widths = natural;
  while (sum(widths) > room) {
    const choices = widths.flatMap((width, column) => {
      const narrower = narrow(all, column, width);
      if (narrower >= width) return [];
      const next = widths.with(column, narrower);
      return [{ next, cost: (linesOf(all, next) - linesOf(all, widths)) / (width - narrower), width }];
    });
    const [best] = choices.sort((a, b) => a.cost - b.cost || b.width - a.width);
    if (best === undefined) return null;
    widths = best.next;
  }
  return widths;
}

/** A word may break after punctuation. */
const SEAM = /(?<=[/_.:@,-])/;

/** Returns the next narrower width of a column that breaks no part of a word. */
function narrow(all: readonly (readonly string[])[], column: number, width: number): number {
  const cells = all.map((row) => row[column] ?? "");
  const unbroken = Math.max(...cells.flatMap((cell) => cell.split(/\s+/).flatMap((word) => word.split(SEAM))).map(widthOf));
  if (width <= unbroken) return width;
  return Math.max(
    unbroken,
    ...cells.flatMap((cell) =>
      wrap(cell, width - 1)
        .split("\n")
        .map(widthOf),
    ),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

const linesOf = (all: readonly (readonly string[])[], widths: readonly number[]): number =>
  sum(all.map((row) => Math.max(...row.map((cell, column) => wrap(cell, widths[column] ?? 0).split("\n").length))));

/** Characters of no width, and of double width. */
const NO_ROOM = /[\p{Mn}\p{Me}\p{Cf}]/u;
const TWICE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** Width of a text's longest line in a terminal. */
export function widthOf(text: string): number {
  const lines = stripVTControlCharacters(text).split("\n");
  return Math.max(...lines.map((line) => sum([...line].map((each) => (NO_ROOM.test(each) ? 0 : TWICE.test(each) ? 2 : 1)))));
}

/**
 * Wraps a text at spaces. A word that is too long, such as a path, breaks after punctuation, otherwise anywhere.
 *
 * @param width null for no limit.
 * @param indent of each line but the first.
 */
export function wrap(text: string, width: number | null, indent = ""): string {
  const first = width ?? Number.POSITIVE_INFINITY;
  const rest = Math.max(1, first - indent.length);
  const lines = text.split("\n").flatMap((line, index) => wrapLine(line, index === 0 ? first : rest, rest));
  return lines.join(`\n${indent}`);
}

/** @param first characters of the first line. @param rest characters of the others. */
function wrapLine(line: string, first: number, rest: number): readonly string[] {
  if (widthOf(line) <= first) return [line];
  const [beginning = ""] = /^ */.exec(line) ?? [];
  const lines: string[] = [];
  const add = (piece: string, blank: string) => {
    const last = lines.at(-1);
    const joined = last === undefined ? `${beginning}${piece}` : `${last}${blank}${piece}`;
    if (last === undefined) lines.push(joined);
    else if (widthOf(joined) <= (lines.length === 1 ? first : rest)) lines[lines.length - 1] = joined;
    else lines.push(piece);
  };
  for (const word of line.slice(beginning.length).split(" "))
    for (const [index, piece] of (widthOf(word) <= rest ? [word] : pieces(word, rest)).entries()) add(piece, index === 0 ? " " : "");
  return lines;
}

/** Splits a long word into pieces of at most a width. */
function pieces(word: string, width: number): readonly string[] {
  return word.split(SEAM).flatMap((part) => {
    if (widthOf(part) <= width) return [part];
    const broken: string[] = [""];
    // Escape sequences for colours are not split.
    for (const [each] of part.matchAll(/\p{Cc}\[[\d;]*m|./gsu)) {
      const last = broken.at(-1) ?? "";
      if (widthOf(last + each) <= width) broken[broken.length - 1] = last + each;
      else broken.push(each);
    }
    return broken;
  });
}
