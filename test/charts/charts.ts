import { Command } from "commander";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { MissingTool } from "../proof/tools";
import { findChartOf, renderCases, type VersionedCase, writeRendered } from "./facts";
import { subjects } from "./subjects";

interface Options {
  readonly charts?: string;
  readonly platform?: string;
  readonly version?: string;
}

const command = new Command("npm run charts --")
  .description("Render the platforms' charts, and write what tests and resolve know of them.")
  .option("--charts <directory>", "charts as NAME-VERSION or NAME-VERSION.tgz (default: helm pulls them)")
  .option("-p, --platform <name>", "render only this platform");

function main({ charts, platform }: Options): void {
  for (const group of groupsOf(platform, charts ?? null)) {
    const rendered = renderCases(group, (what) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`));
    writeRendered(rendered);
    const { facts, renderings } = rendered;
    process.stdout.write(`${pc.green("✔")} ${facts.chart} ${facts.version}: ${Object.keys(renderings.releases).length} releases\n`);
  }
}

/** The cases of each version of each chart. */
function groupsOf(platform: string | undefined, charts: string | null): readonly (readonly VersionedCase[])[] {
  const groups = new Map<string, VersionedCase[]>();
  for (const { each, everyWay } of subjects.filter((subject) => platform === undefined || subject.each.name === platform)) {
    const found = findChartOf(each, null, charts);
    if (found === null) continue;
    const group = `${each.name} ${found.chart} ${found.version}`;
    groups.set(group, [...(groups.get(group) ?? []), { each, found, everyWay }]);
  }
  return [...groups.values()];
}

try {
  main(command.parse().opts<Options>());
} catch (error) {
  if (!(error instanceof UserError || error instanceof MissingTool)) throw error;
  process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
  process.exitCode = 1;
}
