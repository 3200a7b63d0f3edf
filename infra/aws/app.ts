import { App, Validations } from "aws-cdk-lib";
import { formatViolation, UserError } from "../../constructs/model/errors";
import { examplesIn } from "../../constructs/model/fields";
import { acknowledgeFindings } from "./acknowledged";
import { loadAwsEnvironment } from "./load";
import { createStacks } from "./stacks";

/** What `cdk` runs. The environment comes by `-c environment=NAME`. */
function main(): void {
  const app = new App();
  const environment = loadAwsEnvironment(String(app.node.tryGetContext("environment") ?? "development"));
  for (const warning of environment.warnings) console.error(`! ${formatViolation(warning)}`);
  const examples = examplesIn(environment.section, "aws");
  if (examples.length > 0)
    console.error(`! ${examples.length} ids of ${environment.name} are examples, so it cannot be deployed: ${examples.join(", ")}`);
  createStacks(app, environment);
  if (process.env.CDK_VALIDATION !== "false") addChecks(app);
  app.synth();
}

/** Loaded when asked for: it takes longer than everything else. */
function addChecks(app: App): void {
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
