import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Command } from "commander";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { toExamples } from "../examples";

/** The help of a maintainer's script. */
interface Script {
  readonly does: string;
  /** Its duration on two cores, the first time and later. */
  readonly takes: string;
  readonly needs: string;
  /** Options with a value, and their descriptions. */
  readonly options?: Readonly<Record<string, string>>;
  /** Examples: options, and what the command does with them. Default: none. */
  readonly examples?: readonly (readonly [options: string, what: string])[];
}

const NODE = "Node.js";
const PYTHON = "Node.js and Python 3; it installs the rest (the first time from npm's and PyPI's registries)";
const CHARTS = { "--charts <directory>": "directory of charts from helm pull, if their repositories cannot be reached" };

/** Scripts of package.json without their own command line, by name. */
export const SCRIPTS: Readonly<Record<string, Script>> = {
  docs: { does: "Generate the reference pages and facts in docs/.", takes: "2 s", needs: NODE },
  rules: {
    does: "List the rules whose source was last read more than a year ago. Exits with 1 if there are any.",
    takes: "1 s",
    needs: NODE,
  },
  site: {
    does: "Build the documentation's site into site/dist. Exits with 1 if a link is dead.",
    takes: "1 minute; the first time it installs the site's packages",
    needs: "Node.js; the first time npm's registry",
  },
  bench: {
    does: "Measure speed, as ratios to a named baseline of the same run. Exits with 1 if a ratio is above its limit.",
    takes: "minutes; run nothing else meanwhile",
    needs: NODE,
  },
  "proof:charts": {
    does: "Render SkillFlaw's chart with the real helm, and validate it with Kubernetes' schemas.",
    takes: "1 minute",
    needs: PYTHON,
  },
  "proof:aws": {
    does: "Deploy with the real CLI of AWS CDK to a double of AWS; the real functions provision and rotate a real PostgreSQL.",
    takes: "minutes",
    needs: `${PYTHON}. No account`,
  },
  "proof:gcp": {
    does: "Run Google's Auth Proxy in front of a real PostgreSQL, and Pulumi's own engine with stand-in providers.",
    takes: "minutes",
    needs: "Node.js, Go and Python 3; it installs the rest. No account",
  },
  "proof:manifests": {
    does: "Validate every object for a cluster: Kubernetes 1.35 to 1.37, External Secrets, checkov.",
    takes: "minutes",
    needs: "Node.js, Go and Python 3; it installs the rest",
    options: CHARTS,
    examples: [["--charts ~/charts", "use charts in that directory"]],
  },
  "proof:faults": {
    does: "Attack, kill and starve PostgreSQL 15 and 17: leaks, escalation, failovers, lost packets.",
    takes: "10 minutes",
    needs: "Node.js; for failovers Python 3 and Go, for lost packets root and ip",
  },
  "proof:fuzz": { does: "Resolve 20,000 mutated specs on every target.", takes: "4 minutes", needs: NODE },
  "proof:servers": {
    does: "Install each verified version of MLflow and Prefect, migrate, write, rotate, and write again.",
    takes: "minutes; the first time it installs each server",
    needs: "Node.js, Python 3 and curl; it installs the rest",
  },
  "proof:teams": {
    does: "Start examples/environments/teams.ts: two MLflows that cannot see each other's data, and seven drivers.",
    takes: "minutes",
    needs: "Node.js, Python 3, Java, Maven, psql and curl; it installs the rest",
  },
  "proof:turns": {
    does: "Interrupt a scheduled rotation on AWS at every step by provisioning, rotations and revocations (375 orders).",
    takes: "minutes",
    needs: NODE,
  },
  "proof:html": {
    does: "Check plan's page in a real browser, at three widths, light and dark.",
    takes: "1 minute",
    needs: `${NODE} and Debian's Chromium`,
    options: { "--pictures <directory>": "directory for its pictures" },
    examples: [["--pictures pictures", "keep the pictures to look at them"]],
  },
  "proof:site": {
    does: "Build the site, and check every page in a real browser, at two widths, light and dark.",
    takes: "10 minutes",
    needs: `${NODE} and Debian's Chromium; the first time npm's registry`,
    options: { "--pictures <directory>": "directory for its pictures", "--only <text>": "check only pages whose path contains this" },
    examples: [["--pictures pictures", "keep the pictures to look at them"]],
  },
  "proof:restore": {
    does: "Dump and restore a platform's database with the commands of docs/how-to/back-up-and-restore.md.",
    takes: "1 minute",
    needs: "Node.js; psql, pg_dump and pg_restore 15 or newer",
  },
  "proof:import": {
    does: "Import what real MLflow, Prefect and Langflow wrote, into servers that then answer the same; refuse, kill and measure it.",
    takes: "10 minutes; the first time it installs each server",
    needs: `${PYTHON}; pgloader is measured beside it where it is installed`,
    options: { "--only <text>": "only the parts whose name contains this" },
    examples: [["--only 'mlflow file'", "one of its parts"]],
  },
  "proof:overlay": {
    does: "Render the overlay of Kubeflow Pipelines with the real kustomize.",
    takes: "1 minute",
    needs: "Node.js, Python 3 and git; it installs the rest",
    options: CHARTS,
    examples: [["--charts ~/charts", "use a copy of upstream's tree in that directory"]],
  },
  "proof:package": {
    does: "Pack this package; create, run and upgrade projects with it; install, compile and run it with the oldest and the newest CDK and Pulumi.",
    takes: "7 minutes; it installs about 5 GB, and removes them",
    needs: "Node.js, npm's registry and curl; for MLflow Python 3",
  },
};

/** The command line of a script. */
export function createScript(name: string, { does, takes, needs, options = {}, examples = [] }: Script): Command {
  const command = new Command(`npm run ${name} --`).description(does).allowExcessArguments(false);
  for (const [option, what] of Object.entries(options)) command.option(option, what);
  const lines = [["", "run everything"] as const, ...examples].map(
    ([words, what]) => [`npm run ${name}${words && ` -- ${words}`}`, what] as const,
  );
  return command.addHelpText("after", `\nTakes: ${takes}\nNeeds: ${needs}\n\n${toExamples(lines)}`);
}

/** The script of package.json that runs a file. */
export function scriptOf(file: string): string | undefined {
  const { scripts } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { scripts: Record<string, string> };
  const program = relative(PACKAGE_ROOT, file);
  return Object.keys(scripts).find((name) => scripts[name]?.split(" ").includes(program));
}

// Imported first, because some scripts start working while they load. Ends the process after the help, or at an unknown option.
const name = scriptOf(process.argv[1] ?? "");
const script = name === undefined ? undefined : SCRIPTS[name];
if (name !== undefined && script !== undefined) createScript(name, script).parse();
