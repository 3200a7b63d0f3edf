import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { terminalColumns, toRecords, toTable, widthOf, wrap } from "../../infra/table";

const HEAD = ["platform", "database", "file"];
const ROWS = [
  ["Flyte", "flyte", "flyte/config.yaml"],
  ["Kubeflow Pipelines", "mlpipeline\ncachedb", "kubeflow-pipelines/platform.env"],
];
const linesAt = (columns: number | null, rows = ROWS) => toTable(HEAD, rows, { columns }).split("\n");
/** How often each letter stands there: wrapping may move all of them. */
const lettersIn = (text: string): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const [letter] of text.matchAll(/[\p{L}\d]/gu)) counts[letter] = (counts[letter] ?? 0) + 1;
  return counts;
};

describe("a table", () => {
  it("is as wide as its cells if the output is not a terminal", () => {
    expect(linesAt(null)).toEqual(linesAt(200));
    expect(linesAt(null)[5]).toContain("kubeflow-pipelines/platform.env");
  });

  it("wraps first what adds no line, at blanks and seams of names", () => {
    expect(linesAt(50)).toEqual([
      "┌───────────┬────────────┬─────────────────────┐",
      "│ platform  │ database   │ file                │",
      "├───────────┼────────────┼─────────────────────┤",
      "│ Flyte     │ flyte      │ flyte/config.yaml   │",
      "├───────────┼────────────┼─────────────────────┤",
      "│ Kubeflow  │ mlpipeline │ kubeflow-pipelines/ │",
      "│ Pipelines │ cachedb    │ platform.env        │",
      "└───────────┴────────────┴─────────────────────┘",
    ]);
  });

  it("becomes records where words would have to be broken", () => {
    expect(linesAt(30).slice(0, 8)).toEqual([
      "platform  Flyte",
      "database  flyte",
      "file      flyte/config.yaml",
      "",
      "platform  Kubeflow Pipelines",
      "database  mlpipeline",
      "          cachedb",
      "file      kubeflow-pipelines/",
    ]);
  });

  it("loses nothing, and is never wider than the terminal, whatever that is", () => {
    const long = [...ROWS, ["x".repeat(90), pc.bold("bold and 中文"), "a/".repeat(40)]];
    const letters = lettersIn(stripVTControlCharacters(long.flat().join("")));
    for (let columns = 20; columns < 240; columns += 7) {
      const lines = linesAt(columns, long);
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
      const shown = lettersIn(stripVTControlCharacters(lines.join("")));
      expect(Object.entries(letters).filter(([letter, count]) => (shown[letter] ?? 0) < count)).toEqual([]);
    }
  });

  it("takes the width of the terminal, or else COLUMNS", () => {
    expect(terminalColumns({ columns: 120 })).toBe(120);
    const before = process.env.COLUMNS;
    process.env.COLUMNS = "72";
    expect(terminalColumns({})).toBe(72);
    delete process.env.COLUMNS;
    expect(terminalColumns({})).toBeNull();
    if (before !== undefined) process.env.COLUMNS = before;
  });
});

it("wraps a sentence below its mark, and fills each line", () => {
  expect(wrap("  ✔ the schema is empty: the platform creates it when it starts, by itself", 24, "    ")).toBe(
    ["  ✔ the schema is empty:", "    the platform creates", "    it when it starts,", "    by itself"].join("\n"),
  );
});

it("wraps the values of records below their beginning, whatever their lines", () => {
  expect(toRecords(["name", "x"], [["first line\nsecond line is longer", "1"]], 20)).toBe(
    ["name  first line", "      second line is", "      longer", "x     1"].join("\n"),
  );
});
