import { setFlagsFromString } from "node:v8";
import { App, Validations } from "aws-cdk-lib";
import { formatViolation, UserError } from "../../constructs/model/errors";
import { examplesIn } from "../../constructs/model/fields";
import { nearest } from "../../constructs/model/suggest";
import { onlyEnvironmentOn } from "../load";
import { acknowledgeFindings } from "./acknowledged";
import { checkLimits } from "./limits";
import { loadAwsEnvironmentToSynthesize } from "./load";
import { CHECKED, createStacks } from "./stacks";
import { templatesOf } from "./synthesize";

/** The program that `cdk` runs. */
function main(): void {
  const app = new App({ context: CHECKED });
  const environment = loadAwsEnvironmentToSynthesize(chooseEnvironment(app.node.getAllContext()));
  for (const warning of environment.warnings) console.error(`! ${formatViolation(warning)}`);
  const examples = examplesIn(environment.section, "aws");
  if (examples.length > 0)
    console.error(`! ${environment.name} has placeholder IDs; replace them before you deploy: ${examples.join(", ")}`);
  createStacks(app, environment);
  if (process.env.CDK_VALIDATION !== "false") addChecks(app);
  checkLimits(templatesOf(app.synth()));
}

/** Returns the environment of `-c environment=NAME`, or the only one. Rejects a misspelled key, which the CDK would ignore. */
function chooseEnvironment({ environment, ...others }: Readonly<Record<string, unknown>>): string {
  const meant = Object.keys(others).find((key) => nearest(key, ["environment"]) !== null);
  if (meant !== undefined) throw new UserError(`unknown context key ${meant}; did you mean -c environment=${others[meant]}?`);
  return environment === undefined ? onlyEnvironmentOn("aws", "-c environment=NAME") : String(environment);
}

/**
 * Loaded on demand, because it takes longer than everything else. CloudFormation's checks are WebAssembly, most of which runs too briefly
 * for V8's optimizations to pay off: with a larger budget of bytes before they start, the checks take three quarters of the time.
 */
function addChecks(app: App): void {
  setFlagsFromString("--wasm-tiering-budget=200000000");
  const { checks } = require("./checks") as typeof import("./checks");
  Validations.of(app).addPlugins(checks(app));
  acknowledgeFindings(app);
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
