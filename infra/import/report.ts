import type { ImportFacts } from "../../constructs/model/imports";
import type { Comparison } from "../../constructs/provisioning/import/compare";
import type { Copied } from "../../constructs/provisioning/import/copy";
import type { Source } from "../../constructs/provisioning/import/source";
import { grouped } from "../plan/words";
import { terminalColumns, toTable, wrap } from "../table";

/** What was imported into one database. */
export interface ImportedPart {
  readonly database: string;
  readonly source: Source;
  readonly comparison: Comparison;
  readonly copied: Copied;
}

/** Schemes of files on a single machine. */
const UNSEEN = ["path", "file"];
/** Whether pods can read an address of this scheme. */
export const isSeen = (scheme: string): boolean => !UNSEEN.includes(scheme);

const count = (number: number, thing: string): string => `${grouped(number)} ${thing}${number === 1 ? "" : "s"}`;
const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
const megabytes = (bytes: number): string => `${grouped(Math.max(1, Math.round(bytes / 1_000_000)))} MB`;

export const rowsThatCome = ({ tables }: Comparison): number => sum(tables.map(({ comes }) => comes));

/** Below the words before each line. */
const INDENT = " ".repeat("From  ".length);

/** What would go, and what would come. */
export function toIntention(database: string, where: string, { title, bytes }: Source, comparison: Comparison): string {
  const { tables, revisions } = comparison;
  const goes = tables.filter((table) => table.goes > 0);
  const filled = tables.filter((table) => table.comes > 0);
  const revision = revisions.source === null ? "" : `, revision ${revisions.source}`;
  const lines = [
    `From  ${title} (${megabytes(bytes)}${revision})`,
    `To    database ${database} on ${where}`,
    `In    ${count(rowsThatCome(comparison), "row")} of ${count(filled.length, "table")}`,
    goes.length === 0
      ? "Out   nothing: no table has a row"
      : `Out   ${count(sum(goes.map((table) => table.goes)), "row")}: ${goes.map((table) => `${table.table.name} ${grouped(table.goes)}`).join(", ")}`,
    "",
  ];
  return lines.map((line) => wrap(line, terminalColumns(process.stderr), INDENT)).join("\n");
}

/** The tables, what is different about some rows, and what has to move besides. */
export function toReport(parts: readonly ImportedPart[], facts: ImportFacts): string {
  const hasSeveral = parts.length > 1;
  const rows = parts.flatMap(({ database, copied }) =>
    copied.tables
      .filter((each) => each.rows > 0)
      .map(({ table, rows: number }) => [...(hasSeveral ? [database] : []), table, grouped(number)]),
  );
  const head = [...(hasSeveral ? ["database"] : []), "table", "rows"];
  const table = toTable(head, rows, { aligns: [...(hasSeveral ? (["left"] as const) : []), "left", "right"] });
  return [rows.length === 0 ? "" : `${table}\n`, toChanges(parts, facts), toLocations(parts), toBesides(facts)]
    .filter((text) => text !== "")
    .join("\n");
}

function toChanges(parts: readonly ImportedPart[], { renumbered }: ImportFacts): string {
  const lines = parts.flatMap(({ source, copied }) => [
    ...copied.orphans.map(
      ({ table, columns, other, rows, fate }) =>
        `${table}: ${count(rows, "row")} ${fate}, because ${columns.join(", ")} is not in ${other}`,
    ),
    ...[...source.renumbered].map(([before, after]) => `${renumbered?.table}.${renumbered?.column} ${before} is now ${after}`),
  ]);
  return lines.length === 0 ? "" : `Changed on the way:\n${lines.map((line) => `  - ${line}\n`).join("")}`;
}

function toLocations(parts: readonly ImportedPart[]): string {
  const found = parts.flatMap(({ copied }) => copied.locations);
  if (found.length === 0) return "";
  const rows = found.map(({ column, scheme, rows: number }) => [column, scheme, grouped(number), isSeen(scheme) ? "yes" : "no"]);
  const table = toTable(["files are named in", "scheme", "rows", "pods can reach it"], rows, { aligns: ["left", "left", "right", "left"] });
  const advice = found.every(({ scheme }) => isSeen(scheme))
    ? ""
    : "No pod reaches the files of a path: copy them into an object store, and change these addresses to theirs.\n";
  return `${table}\n${advice}`;
}

const toBesides = ({ besides }: ImportFacts): string =>
  besides.length === 0 ? "" : `Move these, too:\n${besides.map((sentence) => `  - ${sentence}\n`).join("")}`;
