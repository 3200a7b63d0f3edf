import * as ec2 from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";

export interface SecretsManagerEndpointProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  /** Networks that may use it, as CIDR blocks: all of the VPC's, because its private name applies to the whole VPC. */
  readonly cidrs: readonly string[];
}

/**
 * Access to Secrets Manager for private subnets without internet access. Secrets Manager calls KMS itself, so no other endpoint is needed.
 *
 * From then on, its private name resolves to this endpoint in the whole VPC, and AWS rejects a second one ("conflicting DNS domain"):
 * https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
 */
export class SecretsManagerEndpoint extends Construct {
  constructor(scope: Construct, id: string, { vpc, subnets, cidrs }: SecretsManagerEndpointProps) {
    super(scope, id);
    const securityGroup = new ec2.SecurityGroup(this, "SecurityGroup", { vpc, description: "Secrets Manager", allowAllOutbound: false });
    for (const cidr of cidrs) securityGroup.addIngressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(443), "Everything in the network");
    new ec2.InterfaceVpcEndpoint(this, "Endpoint", {
      vpc,
      service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      // One subnet per zone: EC2 rejects two.
      subnets: {
        subnets: subnets.filter(
          ({ availabilityZone: zone }, index) => subnets.findIndex((each) => each.availabilityZone === zone) === index,
        ),
      },
      securityGroups: [securityGroup],
      open: false,
    });
  }
}
