import type { Duration } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { bundleDirectory } from "../package/bundle";
import type { RotationTask } from "./task";
import { packageWith } from "./task-package";

export interface PostgresFunctionProps {
  /** Where it runs; null outside any network, with access to the AWS APIs. */
  readonly network: { readonly vpc: ec2.IVpc; readonly subnets: readonly ec2.ISubnet[] } | null;
  readonly timeout: Duration;
  /** Process variables. They contain no secret. */
  readonly environment: Readonly<Record<string, string>>;
  readonly description: string;
  /** Content of the file `TASK_FILE` next to the program; null for none. Unlike variables, it has no limit of 4 KB. */
  readonly task: RotationTask | null;
  /** Days to keep its log. */
  readonly logRetentionDays: number;
}

/** Creates a function from a part of the program that changes PostgreSQL. */
export function createFunction(
  scope: Construct,
  id: string,
  handler: "protect" | "provision" | "rotate",
  props: PostgresFunctionProps,
): lambda.Function {
  return new lambda.Function(scope, id, {
    runtime: lambda.Runtime.NODEJS_22_X,
    architecture: lambda.Architecture.ARM_64,
    code: codeOf(scope, props.task),
    handler: `program.${handler}`,
    description: props.description,
    timeout: props.timeout,
    memorySize: 512,
    environment: { ...props.environment },
    logGroup: new logs.LogGroup(scope, `${id}Log`, { retention: props.logRetentionDays as logs.RetentionDays }),
    ...(props.network === null ? {} : placeIn(scope, id, props.network)),
  });
}

function codeOf(scope: Construct, task: RotationTask | null): lambda.Code {
  if (task === null) return lambda.Code.fromAsset(bundleDirectory("functions"));
  const { directory, hash } = packageWith(scope, task);
  // Given, so that the CDK does not read a megabyte for each instance to compute it.
  return lambda.Code.fromAsset(directory, { assetHash: hash });
}

const placeIn = (scope: Construct, id: string, { vpc, subnets }: NonNullable<PostgresFunctionProps["network"]>) => ({
  vpc,
  vpcSubnets: { subnets: [...subnets] },
  securityGroups: [createSecurityGroup(scope, id, vpc)],
});

/** Allows connections to the databases, as each admits them, and to AWS over TLS; no inbound connections. */
function createSecurityGroup(scope: Construct, id: string, vpc: ec2.IVpc): ec2.SecurityGroup {
  const group = new ec2.SecurityGroup(scope, `${id}SecurityGroup`, {
    vpc,
    description: "Provisioning of PostgreSQL",
    allowAllOutbound: false,
  });
  group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), "Secrets Manager");
  return group;
}
