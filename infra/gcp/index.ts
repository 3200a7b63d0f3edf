import * as pulumi from "@pulumi/pulumi";
import { tellExamples } from "../../constructs/gcp/parts/gcp-environment";
import { checkProvider } from "../../constructs/gcp/provider-version";
import { formatViolation, UserError } from "../../constructs/model/errors";
import { environmentFile } from "../load";
import { loadGcpEnvironment } from "./load";

/** The exit code that means "an error was reported" to Pulumi's runner, which then adds no message. */
const TOLD = 32;

/** The program that `pulumi` runs. The stack has the environment's name. */
function main(): object {
  checkProvider();
  const environment = loadGcpEnvironment(pulumi.getStack());
  for (const warning of environment.warnings) void pulumi.log.warn(formatViolation(warning));
  const examples = tellExamples(environment, environmentFile(environment.name));
  if (examples !== null && !pulumi.runtime.isDryRun()) throw new UserError(examples);
  if (examples !== null) void pulumi.log.warn(examples);
  // Loaded once the environment is valid: Google's and Kubernetes' parts take longer than everything else.
  const { deploy } = require("./deploy") as typeof import("./deploy");
  return deploy(environment);
}

/** Prints errors instead of throwing them, because the runner would add a stack trace to a user's mistake. */
function report(error: unknown): object {
  const text = error instanceof Error ? error.stack : String(error);
  const message = error instanceof UserError ? error.message : `this is a bug in platform-postgres; please report it\n${text}`;
  void pulumi.log.error(message);
  process.exitCode = TOLD;
  return {};
}

function run(): object {
  try {
    return main();
  } catch (error) {
    return report(error);
  }
}

module.exports = run();
