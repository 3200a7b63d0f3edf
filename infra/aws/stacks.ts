import { Annotations, type App, Stack, Validations } from "aws-cdk-lib";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { createEnvironment } from "../../constructs/aws/stacks/create";
import { LIMITS_ARE_CHECKED } from "../../constructs/aws/stacks/environment-stack";
import { inProject, npmCommand } from "../command-line";
import { OUTPUTS_FILE } from "./outputs";

/** Creates the stacks of an environment, whose outputs contain the next commands of this project. */
export function createStacks(app: App, environment: AwsEnvironment): void {
  const about = { environment: environment.name, cloud: "aws", outputs: OUTPUTS_FILE };
  createEnvironment(app, environment, {
    provision: npmCommand("provision", about, [], inProject()),
    render: npmCommand("render", about, [], inProject()),
  });
  if (process.env.CDK_VALIDATION === "false") return;
  for (const each of app.node.children) if (Stack.isStack(each)) silenceLimits(each);
}

/** Context of an app whose stacks `checkLimits` checks. */
export const CHECKED = { [LIMITS_ARE_CHECKED]: true } as const;

/** Silences the CDK's own checks of limits: `checkLimits` reports them, each with a remedy. */
export function silenceLimits(stack: Stack): void {
  const reason = "checkLimits reports it, with a remedy";
  Annotations.of(stack).acknowledgeWarning("@aws-cdk/core:Stack.templateSize", reason);
  // Parameters, outputs, resources.
  for (const rule of ["F0003", "F0004", "F0007"]) Validations.of(stack).acknowledge({ id: `CloudFormation-Validate::${rule}`, reason });
}
