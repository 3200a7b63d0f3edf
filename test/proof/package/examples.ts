import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Proof } from "../tools";
import { compile } from "./library";
import { RUN } from "./programs";
import { complete, install, ROOT, temporary, timed, write } from "./user";

const example = (...path: readonly string[]): string => readFileSync(join(ROOT, "examples", ...path), "utf8");
const linesOf = (text: string): number => text.trim().split("\n").length;

/** Installs what an example needs in an empty folder, and compiles it. @returns the folder. */
function prepare(folder: string, text: string, ...packages: readonly string[]): string {
  const directory = join(temporary, folder);
  install(directory, ...packages);
  assert.equal(compile(directory, text), null);
  return directory;
}

/** What an example prints. @param variables that the CDK's or Pulumi's command sets. */
function printed(directory: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}): string {
  const { code, stdout, output } = complete(process.execPath, args, directory, { ...process.env, ...variables });
  assert.equal(code, 0, output);
  return stdout;
}

function cdkApp(): string {
  const text = example("aws-app", "app.ts");
  const directory = prepare("d", text, "aws-cdk-lib", "constructs");
  assert.ok(linesOf(text) <= 15, `${linesOf(text)} lines`);
  printed(directory, [join("out", "app.js")], { CDK_OUTDIR: join(directory, "cdk.out") });
  const template = readFileSync(join(directory, "cdk.out", "Mlflow.template.json"), "utf8");
  const types = Object.values((JSON.parse(template) as { Resources: Record<string, { Type: string }> }).Resources).map(({ Type }) => Type);
  for (const type of ["AWS::RDS::DBInstance", "Custom::PostgresProvisioning", "AWS::SecretsManager::RotationSchedule"])
    assert.ok(types.includes(type), `no ${type}`);
  assert.match(template, /vpc-0a1b2c3d4e5f60718/);
  return `${linesOf(text)} lines, ${types.length} resources`;
}

function pulumiProgram(): string {
  const text = example("gcp-program", "database.ts");
  const directory = prepare("e", text, ...["pulumi", "gcp", "kubernetes", "random"].map((each) => `@pulumi/${each}`));
  assert.ok(linesOf(text) <= 15, `${linesOf(text)} lines`);
  const program = [write(join(directory, "run.cjs"), RUN), join(directory, "out", "app.js")];
  // As by `pulumi config set gcp:project ours-123`.
  const PULUMI_CONFIG = JSON.stringify({ "gcp:project": "ours-123", "gcp:region": "europe-west4" });
  const made = JSON.parse(printed(directory, program, { PULUMI_CONFIG })) as readonly { readonly type: string }[];
  for (const kind of ["DatabaseInstance", "Job", "CronJob"]) assert.equal(made.filter(({ type }) => type.endsWith(`:${kind}`)).length, 1);
  return `${linesOf(text)} lines, ${made.length} resources`;
}

function values(): string {
  const text = example("wire-existing", "mlflow.ts");
  const directory = prepare("f", text);
  write(join(directory, "ca.pem"), "PEM");
  const { backendStore } = JSON.parse(printed(directory, [join("out", "app.js"), "ca.pem"])) as {
    readonly backendStore: { readonly postgres: { readonly host: string }; readonly existingDatabaseSecret: { readonly name: string } };
  };
  assert.deepEqual([backendStore.postgres.host, backendStore.existingDatabaseSecret.name], ["postgres.example.internal", "mlflow-login"]);
  return `${linesOf(text)} lines, ${backendStore.postgres.host}`;
}

/** (d), (e) and (f): examples of the library, each in an empty folder, from the installation to what it makes. */
export const proveExamples = async (): Promise<readonly Proof[]> => [
  await timed("(d) a CDK app with a database for MLflow in an existing VPC", cdkApp),
  await timed("(e) the same as a program of Pulumi's", pulumiProgram),
  await timed("(f) values for MLflow's chart on a database that exists", values),
];
