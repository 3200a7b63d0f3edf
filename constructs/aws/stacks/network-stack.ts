import { CfnResource, Fn } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { RETAIN } from "../retain";
import type { AwsEnvironment } from "./aws-environment";
import { EnvironmentStack, type PrivateNetwork } from "./environment-stack";

/** Number of zones if the environment names none; RDS requires two. */
const ZONES = 2;

/** Resources that databases need, and that outlive the stack with them. */
const RETAINED = ["AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::SubnetRouteTableAssociation"];

/** A network for an environment that names none: two zones, private subnets, no internet access in either direction. */
export class NetworkStack extends EnvironmentStack {
  readonly placement: PrivateNetwork;
  private readonly zones: readonly string[];

  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, { environment, part: "network", description: `Network of ${environment.name}` });
    const { vpcCidr, zones } = environment.section;
    // Explicit: with an account, CDK would otherwise query AWS during synthesis.
    this.zones = zones.length > 0 ? zones : Array.from({ length: ZONES }, (_, index) => Fn.select(index, Fn.getAzs()));
    const vpc = new ec2.Vpc(this, "Vpc", {
      ipAddresses: ec2.IpAddresses.cidr(vpcCidr),
      maxAzs: this.zones.length,
      natGateways: 0,
      subnetConfiguration: [{ name: "database", subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      flowLogs: { Rejected: { trafficType: ec2.FlowLogTrafficType.REJECT } },
    });
    for (const each of vpc.node.findAll())
      if (CfnResource.isCfnResource(each) && RETAINED.includes(each.cfnResourceType)) each.applyRemovalPolicy(RETAIN);
    this.placement = { vpc, subnets: vpc.isolatedSubnets };
  }

  override get availabilityZones(): string[] {
    return [...this.zones];
  }
}
