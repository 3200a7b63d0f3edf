import { Command } from "commander";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { platforms } from "../../constructs/platforms/registry";
import { factsFile, readRenderings } from "../../infra/charts/renderings";
import { fromUser, npmLine, typed } from "../../infra/command-line";
import { createProgress } from "../../infra/progress";
import { type ContractCase, platformOf, settingsOf } from "../contract/case";
import { MissingTool } from "../proof/tools";
import { compareKeys, compareRendered, compareRevisions } from "./compare";
import { findChartOf, keysOf, renderCases, type VersionedCase, writeRendered } from "./facts";
import { type Subject, subjects } from "./subjects";

interface Options {
  readonly charts?: string;
  readonly platform?: string;
  readonly chart?: string;
  readonly version?: string;
}

const command = new Command("npm run charts --")
  .description("Render the platforms' charts with helm and kubectl, and write what tests, resolve and plan know of them.")
  .option("--charts <directory>", "charts as NAME-VERSION or NAME-VERSION.tgz (default: helm pulls them)")
  .option("-p, --platform <name>", "render only this platform")
  .option("--chart <name>", "the chart that --version is of (default: the platform's usual one)")
  .option("--version <version>", "compare another version with the newest verified one, and write its facts")
  .allowExcessArguments(false);

const progress = createProgress("", process.stderr, true);

function main({ charts: directory, platform, chart, version }: Options): void {
  const charts = directory === undefined ? null : fromUser(directory);
  if (platform !== undefined && !Object.hasOwn(platforms, platform))
    throw new UserError(`there is no platform "${platform}"; ${suggest(platform, Object.keys(platforms))}`);
  if (version !== undefined && platform === undefined) throw new UserError("--version needs --platform");
  if (chart !== undefined && version === undefined) throw new UserError("--chart needs --version");
  const chosen = subjects.filter(({ each }) => platform === undefined || each.name === platform);
  if (version !== undefined) compare(chosen, chart, version, charts);
  else renderAll(chosen, charts);
}

function renderAll(chosen: readonly Subject[], charts: string | null): void {
  const groups = groupsOf(chosen, charts);
  if (groups.length === 0) throw new UserError("this platform has no chart to render");
  for (const group of groups) {
    const rendered = renderCases(group, (what) => progress.doing(`rendering ${what}`));
    writeRendered(rendered);
    const { facts, renderings } = rendered;
    progress.stop();
    process.stdout.write(`${pc.green("✔")} ${facts.chart} ${facts.version}: ${Object.keys(renderings.releases).length} releases\n`);
  }
}

/** The cases of each version of each chart. */
function groupsOf(chosen: readonly Subject[], charts: string | null): readonly (readonly VersionedCase[])[] {
  const groups = new Map<string, VersionedCase[]>();
  for (const { each, everyWay } of chosen) {
    const found = findChartOf(each, null, charts);
    if (found === null) continue;
    const group = `${each.name} ${found.chart} ${found.version}`;
    groups.set(group, [...(groups.get(group) ?? []), { each, found, everyWay }]);
  }
  return [...groups.values()];
}

/** Another version in place of the newest verified one: what changed, and what to write to have it verified. */
function compare(chosen: readonly Subject[], wanted: string | undefined, version: string, charts: string | null): void {
  const chartOf = (each: ContractCase) => platformOf(each).chart(settingsOf(each));
  const names = [...new Set(chosen.flatMap(({ each }) => chartOf(each)?.name ?? []))];
  if (wanted !== undefined && !names.includes(wanted))
    throw new UserError(`this platform has no chart "${wanted}"; ${suggest(wanted, names)}`);
  const name = wanted ?? names[0];
  const usual = chosen.filter(({ each }) => !Object.hasOwn(each.settings, "chartVersion") && chartOf(each)?.name === name);
  const cases = usual.flatMap(({ each, everyWay }): readonly VersionedCase[] => {
    const changed = withVersion(each, version);
    const found = findChartOf(changed, version, charts);
    return found === null ? [] : [{ each: changed, found, everyWay }];
  });
  const [first] = cases;
  const newest = first && chartOf(first.each)?.verified[0];
  if (first === undefined || newest === undefined) throw new UserError(`no case of this platform renders a chart ${name ?? ""}`);
  // Before it is rendered: a chart with a schema rejects values of keys that it has no more.
  const keys = compareKeys(newest.keys, Object.keys(newest.keys).length === 0 ? {} : keysOf(first.found).keys);
  process.stdout.write(`${[`${newest.chart}: ${newest.version} -> ${version}`, ...keys].join("\n")}\n`);
  const rendered = renderCases(cases, (what) => progress.doing(`rendering ${what}`));
  progress.stop();
  const before = { facts: newest, renderings: readRenderings(first.each.name, newest) };
  const servers = platformOf(first.each).servers(settingsOf(first.each));
  process.stdout.write(`${[...compareRendered(before, rendered), ...compareRevisions(before, rendered, servers)].join("\n")}\n\n`);
  writeRendered(rendered);
  process.stdout.write(
    `${typed(factsFile(first.each.name, rendered.facts))} is written. If nothing above needs a change of the wiring, import it in the platform's file, put it first in \`verified\`, and run ${npmLine("test", [])}. If the server is a new one, state it in the platform's servers, and run ${npmLine("proof:servers", [])}.\n`,
  );
}

const withVersion = (each: ContractCase, chartVersion: string): ContractCase => ({
  ...each,
  settings: { ...each.settings, chartVersion },
  acknowledge: { ...each.acknowledge, [`${each.name}-chart-version`]: "it is being compared" },
});

try {
  main(command.parse().opts<Options>());
} catch (error) {
  progress.stop();
  if (!(error instanceof UserError || error instanceof MissingTool)) throw error;
  process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
  process.exitCode = 1;
}
