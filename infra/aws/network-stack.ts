import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import type { AwsEnvironment } from "./environment";
import { EnvironmentStack, type Placement } from "./environment-stack";

/** A network for an environment that names none: two zones, private subnets, no way to or from the internet. */
export class NetworkStack extends EnvironmentStack {
  readonly placement: Placement;

  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, { environment, part: "network", description: `Network of ${environment.name}` });
    const vpc = new ec2.Vpc(this, "Vpc", {
      ipAddresses: ec2.IpAddresses.cidr(environment.section.vpcCidr),
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: "database", subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      flowLogs: { Rejected: { trafficType: ec2.FlowLogTrafficType.REJECT } },
    });
    this.placement = { vpc, subnets: vpc.isolatedSubnets };
  }
}
