import { Annotations, Aspects, CfnRule, Fn, STACK_RESOURCE_LIMIT_CONTEXT, Stack, Tags } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import { CfnLogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { examplesIn, idOf } from "../../model/fields";
import { type AwsEnvironment, type PARTS, stackName } from "./aws-environment";

export interface EnvironmentStackProps {
  readonly environment: AwsEnvironment;
  readonly part: (typeof PARTS)[number];
  readonly description: string;
  /** Prevents the deletion of the whole stack. */
  readonly terminationProtection?: boolean;
}

/** Context key for apps that check the limits of their stacks themselves. */
export const LIMITS_ARE_CHECKED = "platform-postgres:limits-are-checked";

/** A stack of an environment: in its region and account, with its labels; CloudFormation rejects it while there are placeholder IDs. */
export class EnvironmentStack extends Stack {
  constructor(scope: Construct, { environment, part, description, terminationProtection }: EnvironmentStackProps) {
    const { section, name, owner, labels } = { ...environment, ...environment.spec };
    const account = section.account === null ? undefined : idOf(section.account);
    super(scope, stackName(name, part), {
      // Independent of the construct's place: outputs are looked up by it.
      stackName: stackName(name, part),
      env: { region: section.region, account },
      description,
      terminationProtection,
    });
    // The app counts them itself, and has a remedy.
    if (this.node.tryGetContext(LIMITS_ARE_CHECKED) === true) this.node.setContext(STACK_RESOURCE_LIMIT_CONTEXT, 0);
    Tags.of(this).add("environment", name);
    if (owner) Tags.of(this).add("owner", owner);
    for (const [key, value] of Object.entries(labels ?? {})) Tags.of(this).add(key, value);
    // Also for CDK's own functions and flow logs, whose logs otherwise never expire.
    Aspects.of(this).add({
      visit: (each) => {
        if (each instanceof CfnLogGroup) each.retentionInDays = section.logRetentionDays;
      },
    });
    refuseExamples(this, examplesIn(section, "aws"));
  }
}

/** Adds a CloudFormation rule that always fails: it is checked before the first resource is created. */
function refuseExamples(stack: Stack, examples: readonly string[]): void {
  if (examples.length === 0) return;
  const assertDescription = `These IDs are placeholders; replace them in the environment: ${examples.join(", ")}`;
  new CfnRule(stack, "NoExamples", { assertions: [{ assert: Fn.conditionEquals("example", "own"), assertDescription }] });
}

/** The network of databases and functions. */
export interface PrivateNetwork {
  readonly vpc: ec2.IVpc;
  /** Private, in two zones or more. */
  readonly subnets: readonly ec2.ISubnet[];
}

/** Returns the network of an environment's databases and functions: the one that it names, or the created one. */
export function placeIn(scope: Construct, { section: { network } }: AwsEnvironment, made: PrivateNetwork | null): PrivateNetwork {
  if (made !== null) return made;
  if (network === null) throw new TypeError("there is no network");
  const subnets = network.privateSubnets.map(({ id, zone }, index) =>
    ec2.Subnet.fromSubnetAttributes(scope, `Subnet${index + 1}`, { subnetId: idOf(id), availabilityZone: zone }),
  );
  const vpc = ec2.Vpc.fromVpcAttributes(scope, "Vpc", {
    vpcId: idOf(network.vpc),
    availabilityZones: network.privateSubnets.map((subnet) => subnet.zone),
    privateSubnetIds: network.privateSubnets.map((subnet) => idOf(subnet.id)),
  });
  Annotations.of(scope).acknowledgeWarning("@aws-cdk/aws-ec2:noSubnetRouteTableId", "Nothing here creates routes.");
  return { vpc, subnets };
}
