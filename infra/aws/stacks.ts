import type { App } from "aws-cdk-lib";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { createEnvironment } from "../../constructs/aws/stacks/create";
import { CHECKOUT, npmCommand } from "../command-line";
import { OUTPUTS_FILE } from "./outputs";

/** The stacks of an environment, which print the commands of this project that come next. */
export function createStacks(app: App, environment: AwsEnvironment): void {
  const about = { environment: environment.name, cloud: "aws", outputs: OUTPUTS_FILE };
  createEnvironment(app, environment, {
    provision: npmCommand("provision", about, [], CHECKOUT),
    render: npmCommand("render", about, [], CHECKOUT),
  });
}
