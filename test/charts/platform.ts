import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { platforms } from "../../constructs/platforms/registry";
import { readRenderings } from "../../infra/charts/renderings";
import { receiversOf, workloadsOf } from "../../infra/charts/workloads";
import { fromUser, npmLine } from "../../infra/command-line";
import { MissingTool } from "../proof/tools";
import { writeFacts } from "./facts";
import { chartKeys, subcharts, unpacked } from "./keys";
import { renderHelm } from "./render";
import { type Draft, registryKey, scaffold, variableOf, withEntry, withLine } from "./scaffold";
import { findChart } from "./source";

interface Options {
  readonly chart: string;
  readonly version: string;
  readonly charts?: string;
}

const GUIDE = "docs/how-to/add-a-platform.md";
const inCheckout = (path: string): string => join(PACKAGE_ROOT, path);

const program = new Command("npm run platform --").description("Add a platform to this project.");
program
  .command("new <name>")
  .description("Write a platform's folder and its case from its rendered chart.")
  .requiredOption("--chart <repository/name>", "such as https://charts.example.com/stable/airflow")
  .requiredOption("--version <version>", "of the chart")
  .option("--charts <directory>", "has the chart as NAME-VERSION or NAME-VERSION.tgz (default: helm pulls it)")
  .action((name: string, options: Options) => create(name, options));

function create(name: string, { chart: written, version, charts }: Options): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new UserError(`"${name}" is not a platform's name; write it in lower case with dashes`);
  if (Object.hasOwn(platforms, name) || existsSync(inCheckout(`constructs/platforms/${name}`)))
    throw new UserError(`there is a platform ${name} already`);
  const slash = written.lastIndexOf("/");
  const [repository, chart] = [written.slice(0, slash), written.slice(slash + 1)];
  if (!/^https:\/\/./.test(repository))
    throw new UserError(
      `--chart must be a repository's address and the chart's name, got "${written}"; write https://charts.example.com/stable/${name}`,
    );
  const directory = charts === undefined ? null : fromUser(charts);
  const draft = draftOf(name, chart, repository, version, directory);
  const files = scaffold(draft);
  const render = ["--platform", name, ...(directory === null ? [] : ["--charts", directory])];
  orUndo(name, Object.keys(files), () => {
    for (const [path, content] of Object.entries(files)) write(path, content);
    writeUnrendered(name, draft);
    register(name);
    must("npx", ["biome", "check", "--write", ...Object.keys(files), REGISTRY, CASES], "biome");
    must("npm", ["run", "--silent", "charts", "--", ...render], "npm run charts");
  });
  report(name, draft, Object.keys(files), render);
}

/** Leaves the checkout as it was where something fails, so that the command can be repeated. */
function orUndo(name: string, files: readonly string[], run: () => void): void {
  const lists = [REGISTRY, CASES].map((path) => [path, readFileSync(inCheckout(path), "utf8")] as const);
  // Ctrl-C ends the program that runs below this one, which then fails.
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  try {
    run();
  } catch (error) {
    for (const path of [`constructs/platforms/${name}`, ...files]) rmSync(inCheckout(path), { recursive: true, force: true });
    for (const [path, text] of lists) write(path, text);
    throw error;
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Until it is rendered: a release needs to know what to restart. */
function writeUnrendered(name: string, draft: Draft): void {
  const { workloads: _workloads, subcharts: _subcharts, name: _name, repository: _repository, keys, ...facts } = draft;
  writeFacts(name, {
    ...facts,
    keys,
    rejects: { types: false, keys: false },
    copied: [],
    rows: [],
    rights: [],
    restarts: { kinds: [], label: "app.kubernetes.io/instance" },
  });
}

/** What can be found out of a chart. */
function draftOf(name: string, chart: string, repository: string, version: string, charts: string | null): Draft {
  const scratch = mkdtempSync(join(tmpdir(), "platform-postgres-platform-"));
  try {
    const found = findChart(name, { name: chart, repository }, version, charts);
    const directory = unpacked(found.path, scratch);
    const objects = renderHelm(found, {}, { release: name, namespace: name });
    return {
      name,
      chart,
      repository,
      version,
      keys: chartKeys(directory).keys,
      workloads: workloadsOf(objects),
      subcharts: subcharts(directory),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(inCheckout(path)), { recursive: true });
  writeFileSync(inCheckout(path), content);
}

const REGISTRY = "constructs/platforms/registry.ts";
const CASES = "test/fixtures/cases.ts";

/** Its lines in the registry and in the list of cases. */
function register(name: string): void {
  const variable = variableOf(name);
  const registry = withLine(readFileSync(inCheckout(REGISTRY), "utf8"), `import { ${variable} } from "./${name}/${name}";`, /^$/);
  write(REGISTRY, withEntry(registry, registryKey(name)));
  const cases = withLine(readFileSync(inCheckout(CASES), "utf8"), `import { ${variable}Cases } from "./cases/${name}";`, /^$/);
  write(CASES, withLine(cases, `  ...${variable}Cases,`, /^\];/));
}

function must(program: string, args: readonly string[], what: string): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: PACKAGE_ROOT, encoding: "utf8" });
  if (status === null) throw new UserError(`${what} was interrupted; nothing of the new platform was kept`);
  if (status !== 0) throw new UserError(`${what} failed; nothing of the new platform was kept: ${`${stdout}${stderr}`.trim()}`);
}

function report(name: string, { chart, version }: Draft, files: readonly string[], render: readonly string[]): void {
  const { releases, workloads } = readRenderings(name, { chart, version });
  const [first] = Object.values(releases);
  const receivers = receiversOf(
    (first?.workloads ?? []).flatMap((key) => workloads[key] ?? []),
    `${name}-db`,
  );
  const reached = ["the Secret reaches", ...receivers, ...(first?.mentions ?? []).map((mention) => `${mention}, which names it`)];
  process.stdout.write(
    [
      ...files.map((file) => `${pc.green("✔")} ${file}`),
      `${pc.green("✔")} a line in ${REGISTRY}, and one in ${CASES}`,
      `${pc.green("✔")} rendered: ${reached.length === 1 ? "no container gets the Secret yet" : reached.join("\n    ")}`,
      "",
      `Answer the questions in ${GUIDE}, change the wiring, and run`,
      "",
      `  ${npmLine("charts", render)}`,
      `  ${npmLine("test", [])}`,
      "",
    ].join("\n"),
  );
}

try {
  program.parse();
} catch (error) {
  if (!(error instanceof UserError || error instanceof MissingTool)) throw error;
  process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
  process.exitCode = 1;
}
