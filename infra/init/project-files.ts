import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { PACKAGE } from "../project";
import { type CloudName, type EnvironmentFile, toEnvironmentText } from "./environments";

/** Input for the files of a project. */
export interface ProjectSource {
  readonly name: string;
  readonly clouds: readonly CloudName[];
  readonly environments: readonly EnvironmentFile[];
  /** The commands to type. */
  readonly commands: { readonly start: string; readonly test: string };
}

/** Programs of the package, as a project names them. */
const PROGRAMS = `node_modules/${PACKAGE}/dist/infra`;

export const PLAN_WORKFLOW = ".github/workflows/plan.yaml";

/** Paths that git must ignore: `.local` and `out` contain passwords. */
export const IGNORED = ["node_modules/", ".local/", "out/", "cdk.out/", "cdk-outputs.json", "outputs.json", "*.log"];

const RULES = `import type { TeamRule } from "${PACKAGE}/model/team-rule";

/** Your team's rules, which check every environment: names, sizes, regions. node_modules/${PACKAGE}/docs/how-to/add-a-rule.md has examples. */
export default [] satisfies readonly TeamRule[];
`;

/** For editors, which then show types and errors of fields. Nothing is compiled. */
const TSCONFIG = {
  compilerOptions: { target: "ES2022", module: "nodenext", strict: true, noEmit: true, skipLibCheck: true, types: [] },
  include: ["environments", "rules.ts"],
};

const PULUMI = `name: NAME
description: Managed PostgreSQL for ML platforms on Google Cloud
# Must be a file: with a directory, Pulumi would run another program, and delete what this one created.
main: ${PROGRAMS}/gcp/index.js
runtime:
  name: nodejs
  options:
    # The package is compiled, and reads TypeScript itself.
    typescript: false
    nodeargs: "--stack-trace-limit=0"
options:
  # Disks grow automatically: without a refresh, Google rejects every change ("disk size cannot decrease").
  refresh: always
`;

/** All files of a project except its manifest and `.gitignore`: text by path. */
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

/** The CDK's feature flags change templates, so a project keeps its first ones. */
function toCdkJson(): string {
  const { context } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "cdk.json"), "utf8")) as { readonly context: object };
  return `${JSON.stringify({ app: `node ${PROGRAMS}/aws/app.js`, requireApproval: "broadening", context }, null, 2)}\n`;
}

/** A workflow of the examples without its first line, which explains where to copy it. */
function workflow(file: string, name: string): string {
  const text = readFileSync(join(PACKAGE_ROOT, "examples", "github", `${file}.yaml`), "utf8");
  return text
    .replace(/^#.*\n/, "")
    .replace(`name: ${file}\n`, `name: ${name}\n`)
    .replace(`  ${file}:\n`, `  ${name}:\n`);
}

/** The environments and clouds that the workflow plans. */
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
      `\`environments/${on("aws")}.ts\` describes the deployment. With credentials for the account, run:`,
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
      `\`environments/${on("gcp")}.ts\` describes the deployment. The stack must have the environment's name:`,
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
    `${start.padEnd(16)} # run everything on this machine, with a real PostgreSQL`,
    `${test.padEnd(16)} # check environments, and compare what deployments would create with environments/snapshots`,
    "```",
    "",
    `\`${test}${test.startsWith("npx") ? "" : " --"} --update\` accepts the changes, and writes the snapshots.`,
    "",
    ...clouds.flatMap((cloud) => sections[cloud]),
    "`render` writes each platform's files into `out/`: chart values, Kubernetes objects and a README.txt.",
    "",
    "## Commands",
    "",
    `\`npx ${PACKAGE} --help\` lists them; each has a \`--help\` with examples. \`source <(npx ${PACKAGE} complete bash)\` completes them, and the names of environments; zsh and fish likewise.`,
    "",
    "## Upgrade",
    "",
    "```sh",
    `npm update ${PACKAGE}`,
    `npx ${PACKAGE} init .     # set the other packages to tested versions; your files stay`,
    `${test.padEnd(25)} # show what the new version would change`,
    "```",
    "",
  ].join("\n");
}
