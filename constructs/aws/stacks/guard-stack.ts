import { Fn } from "aws-cdk-lib";
import * as ssm from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";
import type { AwsEnvironment } from "./aws-environment";
import { EnvironmentStack } from "./environment-stack";

export interface GuardStackProps {
  readonly environment: AwsEnvironment;
  /** Name of an export of the database's stack. */
  readonly lock: string;
  /** Whether the environment's stacks are protected from deletion. */
  readonly isClosed: boolean;
}

/**
 * Prevents the deletion of the environment's stacks once all of them exist: it cannot be deleted itself, `cdk destroy` tries it first, and
 * it uses an export of the database stack, which CloudFormation therefore does not delete either.
 *
 * Termination protection on the database stack itself would be on before its first resource is created, so a first deployment that fails
 * could neither be deleted nor repeated.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
 */
export class GuardStack extends EnvironmentStack {
  constructor(scope: Construct, { environment, lock, isClosed }: GuardStackProps) {
    super(scope, {
      environment,
      part: "guard",
      description: `Prevents the deletion of ${environment.name}`,
      terminationProtection: isClosed,
    });
    const description = "Locks the database stack while an instance has deletionProtection";
    new ssm.StringParameter(this, "Lock", { description, stringValue: isClosed ? Fn.importValue(lock) : "open" });
  }
}
