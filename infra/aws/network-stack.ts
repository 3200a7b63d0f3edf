import { CfnResource, Fn } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { RETAIN } from "../../constructs/aws/retain";
import type { AwsEnvironment } from "./environment";
import { EnvironmentStack, type Placement } from "./environment-stack";

/** Zones of the network; RDS asks for two. */
const ZONES = 2;

/** What databases stand in, and so outlives the stack as they do. */
const RETAINED = ["AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::SubnetRouteTableAssociation"];

/** A network for an environment that names none: two zones, private subnets, no way to or from the internet. */
export class NetworkStack extends EnvironmentStack {
  readonly placement: Placement;

  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, { environment, part: "network", description: `Network of ${environment.name}` });
    const vpc = new ec2.Vpc(this, "Vpc", {
      ipAddresses: ec2.IpAddresses.cidr(environment.section.vpcCidr),
      maxAzs: ZONES,
      natGateways: 0,
      subnetConfiguration: [{ name: "database", subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      flowLogs: { Rejected: { trafficType: ec2.FlowLogTrafficType.REJECT } },
    });
    for (const each of vpc.node.findAll())
      if (CfnResource.isCfnResource(each) && RETAINED.includes(each.cfnResourceType)) each.applyRemovalPolicy(RETAIN);
    this.placement = { vpc, subnets: vpc.isolatedSubnets };
  }

  /** Asked of CloudFormation: with an account named, CDK would ask AWS while it synthesizes. */
  override get availabilityZones(): string[] {
    return Array.from({ length: ZONES }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
