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
  /** Refuses the deletion of the whole stack. */
  readonly terminationProtection?: boolean;
}

/** Key of the context by which an app says that it checks the limits of its stacks itself. */
export const LIMITS_ARE_CHECKED = "platform-postgres:limits-are-checked";

/** A stack of an environment: in its region and account, with its labels, and refused by CloudFormation while ids are examples. */
export class EnvironmentStack extends Stack {
  constructor(scope: Construct, { environment, part, description, terminationProtection }: EnvironmentStackProps) {
    const { section, name, owner, labels } = { ...environment, ...environment.spec };
    const account = section.account === null ? undefined : idOf(section.account);
    super(scope, stackName(name, part), {
      // The same wherever its construct stands: outputs are looked up by it.
      stackName: stackName(name, part),
      env: { region: section.region, account },
      description,
      terminationProtection,
    });
    // Somebody else counts, and has a remedy.
    if (this.node.tryGetContext(LIMITS_ARE_CHECKED) === true) this.node.setContext(STACK_RESOURCE_LIMIT_CONTEXT, 0);
    Tags.of(this).add("environment", name);
    if (owner) Tags.of(this).add("owner", owner);
    for (const [key, value] of Object.entries(labels ?? {})) Tags.of(this).add(key, value);
    // CDK's own functions and flow logs, too, whose logs otherwise never expire.
    Aspects.of(this).add({
      visit: (each) => {
        if (each instanceof CfnLogGroup) each.retentionInDays = section.logRetentionDays;
      },
    });
    refuseExamples(this, examplesIn(section, "aws"));
  }
}

/** A rule of CloudFormation that never holds: it is asked before the first resource is made. */
function refuseExamples(stack: Stack, examples: readonly string[]): void {
  if (examples.length === 0) return;
  const assertDescription = `These IDs are placeholders; replace them in the environment: ${examples.join(", ")}`;
  new CfnRule(stack, "NoExamples", { assertions: [{ assert: Fn.conditionEquals("example", "own"), assertDescription }] });
}

/** Where databases and functions stand. */
export interface PrivateNetwork {
  readonly vpc: ec2.IVpc;
  /** Private, in two zones or more. */
  readonly subnets: readonly ec2.ISubnet[];
}

/** Where an environment's databases and functions stand: in the network that it names, or in the one that is made for it. */
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
