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
}

/** Programs of the package, as a project names them. */
const PROGRAMS = `node_modules/${PACKAGE}/dist/infra`;

const IGNORED = ["node_modules/", ".local/", "out/", "cdk.out/", "cdk-outputs.json", "outputs.json", "*.log"];

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

/** All files of a project but its manifest: text by path. */
export function toProjectFiles(source: ProjectSource): Readonly<Record<string, string>> {
  const { name, clouds, environments } = source;
  return {
    ...Object.fromEntries(environments.map((each) => [`environments/${each.name}.ts`, toEnvironmentText(each)])),
    "rules.ts": RULES,
    "tsconfig.json": `${JSON.stringify(TSCONFIG, null, 2)}\n`,
    ".gitignore": `${IGNORED.join("\n")}\n`,
    ".github/workflows/test.yaml": workflow("snapshot", "test").replace("npm run snapshot", "npm test"),
    "README.md": toReadme(source),
    ...(clouds.includes("aws") ? { "cdk.json": toCdkJson() } : {}),
    ...(clouds.includes("gcp") ? { "Pulumi.yaml": PULUMI.replace("NAME", name) } : {}),
    ...(clouds.length > 0 ? { ".github/workflows/plan.yaml": toPlanWorkflow(clouds, environments) } : {}),
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

function toPlanWorkflow(clouds: readonly CloudName[], environments: readonly EnvironmentFile[]): string {
  const pairs = environments.flatMap(({ name, spec }) =>
    clouds.filter((cloud) => Object.hasOwn(spec, cloud)).map((cloud) => `          - { environment: ${name}, cloud: ${cloud} }`),
  );
  return workflow("plan", "plan")
    .replace(/ {8}environment: \[.*\]\n {8}cloud: \[.*\]\n/, `        include:\n${pairs.join("\n")}\n`)
    .replaceAll("infra/environments", "environments")
    .replaceAll("npm run --silent plan --", `npx ${PACKAGE} plan`);
}

function toReadme({ name, clouds, environments }: ProjectSource): string {
  const on = (cloud: CloudName) => environments.find(({ spec }) => Object.hasOwn(spec, cloud))?.name ?? "";
  const sections: Readonly<Record<CloudName, readonly string[]>> = {
    aws: [
      "## On AWS",
      "",
      `What there will be stands in \`environments/${on("aws")}.ts\`. With credentials of the account:`,
      "",
      "```sh",
      `npx ${PACKAGE} plan --environment ${on("aws")} --cloud aws`,
      "npx cdk bootstrap                 # once in an account and region",
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
    "npm start        # all of it on this machine, with a real PostgreSQL",
    "npm test         # environments are valid, and deployments would create what is committed in environments/snapshots",
    "```",
    "",
    "`npm test -- --update` accepts what a change to an environment would create.",
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
    "npm test                  # what the new version would change",
    "```",
    "",
  ].join("\n");
}
