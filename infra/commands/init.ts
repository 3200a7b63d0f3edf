import { existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { platforms } from "../../constructs/platforms/registry";
import { toProgram, whenStopped, withExamples } from "../command";
import { commandName, fromUser, LOCAL_ENVIRONMENT, quote, typed } from "../command-line";
import { toAnswers } from "../init/answers";
import { type Answers, type EnvironmentFile, onThisMachineOnly, toEnvironments } from "../init/environments";
import type { Given } from "../init/given";
import { cloudsOf, type Manifest, toManifest, toTyped } from "../init/manifest";
import { ownSource } from "../init/package-source";
import { IGNORED, PLAN_WORKFLOW, toPairs, toProjectFiles } from "../init/project-files";
import { ask } from "../init/questions";
import { checkEnvironment } from "../init/validate";
import {
  checkPackage,
  ignore,
  install,
  keepPackage,
  readManifest,
  takeSnapshots,
  writeManifest,
  writeMissing,
  writing,
} from "../init/write";
import { PACKAGE } from "../project";
import { CLOUDS } from "../spec";

interface Options extends Given {
  readonly package?: string;
  readonly install: boolean;
}

const command = new Command(commandName("init"))
  .description(
    "Create a project: environments, the programs that deploy them, and their tests. In a terminal it asks questions, unless you pass --cloud.",
  )
  .argument("<directory>", "a new directory; or an existing project, whose packages are set to tested versions")
  .option("--cloud <names>", `clouds to deploy to: ${CLOUDS.join(",")}; none for this machine only`)
  .option("--platforms <names>", `any of ${Object.keys(platforms).join(", ")} (default: mlflow)`)
  .option("--aws-region <region>", "region of RDS (default: eu-central-1)")
  .option("--aws-account <number>", "account to deploy to (default: that of the credentials in use)")
  .option("--aws-vpc <id>", "existing VPC (default: create one)")
  .option("--aws-subnets <id:zone,...>", "two or more private subnets of that VPC")
  .option("--gcp-project <id>", "project to deploy to (default: a placeholder)")
  .option("--gcp-project-number <number>", "number of that project (default: a placeholder)")
  .option("--gcp-region <region>", "region of Cloud SQL (default: europe-west4)")
  .option("--gcp-network <name>", "VPC network of the instances (default: default)")
  .option("--gcp-cluster <name>", "GKE cluster in that region (default: a placeholder)")
  .option("--package <file>", "install this package from a packed file, not from npm's registry")
  .option("--no-install", "write the files, but install nothing")
  .allowExcessArguments(false)
  .exitOverride();

whenStopped(command, "run this command again to finish the project");
withExamples(
  command,
  ["my-postgres", "create a project by answering questions"],
  ["my-postgres --cloud none", "create a project for this machine only"],
  [
    "my-postgres --cloud aws --aws-vpc vpc-0a1b2c3d --aws-subnets subnet-0a1b2c3d:eu-central-1a,subnet-0a1b2c3e:eu-central-1b",
    "create a project in an existing VPC",
  ],
  [". --cloud aws,gcp", "add Google Cloud to a project on AWS"],
);

export const program = toProgram<Options>(command, async ({ package: file, install: installs, ...options }, progress) => {
  const directory = fromUser(command.args[0] ?? "");
  const before = writing(() => readManifest(directory));
  const name = nameOf(directory, before);
  if (file !== undefined) checkPackage(fromUser(file));
  // A user of the library has the package, but no project yet.
  const isNew = before?.dependencies?.[PACKAGE] === undefined || !existsSync(join(directory, "environments"));
  const isAsked = isNew && options.cloud === undefined && process.stdin.isTTY && process.stdout.isTTY;
  const answers = toAnswers(isAsked ? await ask(options) : options);
  const had = isNew ? [] : cloudsOf(before ?? {});
  const clouds = CLOUDS.filter((cloud) => answers[cloud] !== null || had.includes(cloud));
  const environments = toEnvironments(answers, clouds).filter(({ spec }) => isNew || !had.some((cloud) => Object.hasOwn(spec, cloud)));
  for (const each of environments) checkEnvironment(each);

  progress.doing("writing files");
  const isGrown = isNew || clouds.length > had.length;
  const files = isGrown ? toProjectFiles({ name, clouds, environments, commands: toTyped(before ?? {}) }) : {};
  const written = writing(() => {
    mkdirSync(directory, { recursive: true });
    const paths = writeMissing(directory, files);
    if (isGrown) ignore(directory, IGNORED);
    const own = file === undefined ? (before?.dependencies?.[PACKAGE] ?? ownSource(directory)) : keepPackage(directory, fromUser(file));
    writeManifest(directory, name, toManifest(clouds, own, before ?? {}));
    return paths;
  });
  progress.done(`${written.length} files and package.json written`);
  if (installs) {
    progress.doing("installing packages");
    await install(directory);
    progress.done("packages installed");
    progress.doing("computing what deployments would create");
    const onCloud = environments.map((each) => each.name).filter((each) => each !== LOCAL_ENVIRONMENT);
    const added = onCloud.filter((each) => written.includes(`environments/${each}.ts`));
    if (clouds.length > 0) await takeSnapshots(directory, added);
  }
  progress.stop();
  const kept = Object.keys(files).filter((path) => !written.includes(path));
  if (kept.length > 0) process.stdout.write(`${pc.dim(`kept the existing ${kept.length === 1 ? "file" : "files"} ${kept.join(", ")}`)}\n`);
  if (kept.includes(PLAN_WORKFLOW))
    process.stdout.write(`Add to the matrix of ${PLAN_WORKFLOW}: ${toPairs(clouds, environments).join(", ")}\n`);
  process.stdout.write(toNextSteps(directory, environments, answers, installs, toTyped(before ?? {})));
  return 0;
});

/** Returns the project's name, which is also that of Pulumi's project. @throws UserError if npm would reject it. */
function nameOf(directory: string, before: Manifest | null): string {
  const name = before?.name?.replace(/^@[^/]*\//, "") ?? basename(directory);
  if (/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) return name;
  throw new UserError(`${name}: must be a valid package name (a-z, 0-9, hyphens, dots and underscores); choose another directory`);
}

function toNextSteps(
  directory: string,
  environments: readonly EnvironmentFile[],
  answers: Answers,
  installed: boolean,
  { start, test }: ReturnType<typeof toTyped>,
): string {
  const left = onThisMachineOnly(answers);
  const lines = [
    ...(fromUser(".") === directory ? [] : [`cd ${quote(typed(directory))}`]),
    ...(installed ? [] : ["npm install"]),
    start,
    test,
  ];
  const onCloud = environments.filter(({ spec }) => CLOUDS.some((cloud) => Object.hasOwn(spec, cloud)));
  const also = onCloud.map(({ name }) => `environments/${name}.ts`);
  return [
    ...(left.length > 0 && also.length > 0 ? [`${left.join(", ")} is for development, so only environments/local.ts has it`] : []),
    ...lines.map((line) => `  ${line}`),
    ...(also.length > 0 ? [`${pc.dim(`Review ${also.join(" and ")} before you deploy; README.md shows how.`)}`] : []),
    "",
  ].join("\n");
}

if (require.main === module) void program.run();
