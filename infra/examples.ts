/** The examples below a command's help: lines to paste, each below its description. */
export const toExamples = (lines: readonly (readonly [line: string, what: string])[]): string =>
  ["Examples:", ...lines.flatMap(([line, what]) => [`  # ${what}`, `  ${line}`])].join("\n");
