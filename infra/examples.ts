/** The examples below a command's help: lines to paste, each below what it does. */
export const toExamples = (lines: readonly (readonly [line: string, what: string])[]): string =>
  ["Examples:", ...lines.flatMap(([line, what]) => [`  # ${what}`, `  ${line}`])].join("\n");
