import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { PACKAGE } from "../project";
import { type CloudName, type EnvironmentFile, toEnvironmentText } from "./environments";

/** What the files of a project are made from. */
export interface ProjectSource {
  readonly name: string;
  readonly clouds: readonly CloudName[];
  readonly environments: readonly EnvironmentFile[];
  /** What to type. */
  readonly commands: { readonly start: string; readonly test: string };
}

/** Programs of the package, as a project names them. */
const PROGRAMS = `node_modules/${PACKAGE}/dist/infra`;

export const PLAN_WORKFLOW = ".github/workflows/plan.yaml";

/** What git must not keep: passwords are in `.local` and `out`. */
export const IGNORED = ["node_modules/", ".local/", "out/", "cdk.out/", "cdk-outputs.json", "outputs.json", "*.log"];

const RULES = `import type { TeamRule } from "${PACKAGE}/model/team-rule";

/** Your team's rules, which check every environment: names, sizes, regions. node_modules/${PACKAGE}/docs/how-to/add-a-rule.md has examples. */
export default [] satisfies readonly TeamRule[];
`;

/** For editors: what a field is, and what is wrong with it. Nothing is compiled. */
const TSCONFIG = {
  compilerOptions: { target: "ES2022", module: "nodenext", strict: true, noEmit: true, skipLibCheck: true, types: [] },
  include: ["environments", "rules.ts"],
};

const PULUMI = `name: NAME
description: Managed PostgreSQL for ML platforms on Google Cloud
# A file: with a directory here Pulumi runs another program, and deletes what this one has made.
main: ${PROGRAMS}/gcp/index.js
runtime:
  name: nodejs
  options:
    # The package is compiled, and reads TypeScript itself.
    typescript: false
    nodeargs: "--stack-trace-limit=0"
options:
  # Disks grow by themselves: with the size that the state remembers every change would be refused ("disk size cannot decrease").
  refresh: always
`;

/** All files of a project but its manifest and `.gitignore`: text by path. */
export function toProjectFiles(source: ProjectSource): Readonly<Record<string, string>> {
  const { name, clouds, environments, commands } = source;
  return {
    ...Object.fromEntries(environments.map((each) => [`environments/${each.name}.ts`, toEnvironmentText(each)])),
    "rules.ts": RULES,
    "tsconfig.json": `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    ".github/workflows/test.yaml": workflow("snapshot", "test").replace("npm run snapshot", commands.test),
    "README.md": toReadme(source),
    ...(clouds.includes("aws") ? { "cdk.json": toCdkJson() } : {}),
    ...(clouds.includes("gcp") ? { "Pulumi.yaml": PULUMI.replace("NAME", name) } : {}),
    ...(clouds.length > 0 ? { [PLAN_WORKFLOW]: toPlanWorkflow(clouds, environments) } : {}),
  };
}

/** The CDK's feature flags decide what templates look like: a project keeps those that it began with. */
function toCdkJson(): string {
  const { context } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "cdk.json"), "utf8")) as { readonly context: object };
  return `${JSON.stringify({ app: `node ${PROGRAMS}/aws/app.js`, requireApproval: "broadening", context }, null, 2)}\n`;
}

/** A workflow of the examples without its first line, which says where to copy it. */
function workflow(file: string, name: string): string {
  const text = readFileSync(join(PACKAGE_ROOT, "examples", "github", `${file}.yaml`), "utf8");
  return text
    .replace(/^#.*\n/, "")
    .replace(`name: ${file}\n`, `name: ${name}\n`)
    .replace(`  ${file}:\n`, `  ${name}:\n`);
}

/** What the workflow makes plans of. */
export const toPairs = (clouds: readonly CloudName[], environments: readonly EnvironmentFile[]): readonly string[] =>
  environments.flatMap(({ name, spec }) =>
    clouds.filter((cloud) => Object.hasOwn(spec, cloud)).map((cloud) => `{ environment: ${name}, cloud: ${cloud} }`),
  );

function toPlanWorkflow(clouds: readonly CloudName[], environments: readonly EnvironmentFile[]): string {
  const pairs = toPairs(clouds, environments).map((pair) => `          - ${pair}`);
  return workflow("plan", "plan")
    .replace(/ {8}environment: \[.*\]\n {8}cloud: \[.*\]\n/, `        include:\n${pairs.join("\n")}\n`)
    .replaceAll("infra/environments", "environments")
    .replaceAll("npm run --silent plan --", `npx ${PACKAGE} plan`);
}

function toReadme({ name, clouds, environments, commands: { start, test } }: ProjectSource): string {
  const on = (cloud: CloudName) => environments.find(({ spec }) => Object.hasOwn(spec, cloud))?.name ?? "";
  const sections: Readonly<Record<CloudName, readonly string[]>> = {
    aws: [
      "## On AWS",
      "",
      `What there will be stands in \`environments/${on("aws")}.ts\`. With credentials of the account:`,
      "",
      "```sh",
      `npx ${PACKAGE} plan --environment ${on("aws")} --cloud aws`,
      `npx cdk bootstrap -c environment=${on("aws")} # once in an account and region`,
      `npx cdk deploy --all -c environment=${on("aws")} --outputs-file cdk-outputs.json`,
      `npx ${PACKAGE} render --environment ${on("aws")} --cloud aws --outputs cdk-outputs.json`,
      "```",
      "",
    ],
    gcp: [
      "## On Google Cloud",
      "",
      `What there will be stands in \`environments/${on("gcp")}.ts\`. A stack is called as its environment:`,
      "",
      "```sh",
      `npx ${PACKAGE} plan --environment ${on("gcp")} --cloud gcp`,
      `pulumi stack init ${on("gcp")}`,
      "pulumi up",
      "pulumi stack output --json > outputs.json",
      `npx ${PACKAGE} render --environment ${on("gcp")} --cloud gcp --outputs outputs.json`,
      "```",
      "",
    ],
  };
  return [
    `# ${name}`,
    "",
    `PostgreSQL for ML platforms, by [${PACKAGE}](node_modules/${PACKAGE}/README.md): its databases, logins and secrets, and the values of the platforms' charts.`,
    "",
    "```sh",
    "npm install",
    `${start.padEnd(16)} # all of it on this machine, with a real PostgreSQL`,
    `${test.padEnd(16)} # environments are valid, and deployments would create what is committed in environments/snapshots`,
    "```",
    "",
    `\`${test}${test.startsWith("npx") ? "" : " --"} --update\` accepts what a change to an environment would create.`,
    "",
    ...clouds.flatMap((cloud) => sections[cloud]),
    "`render` writes what each platform starts with into `out/`: values of its chart, objects for its cluster, and a README.txt.",
    "",
    "## Commands",
    "",
    `\`npx ${PACKAGE} --help\` lists them; each has a \`--help\` with examples. \`source <(npx ${PACKAGE} complete bash)\` completes them, and the names of environments; zsh and fish likewise.`,
    "",
    "## Upgrade",
    "",
    "```sh",
    `npm update ${PACKAGE}`,
    `npx ${PACKAGE} init .     # the versions of other packages that it is tried with; your files stay`,
    `${test.padEnd(25)} # what the new version would change`,
    "```",
    "",
  ].join("\n");
}
