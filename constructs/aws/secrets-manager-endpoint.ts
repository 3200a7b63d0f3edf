import * as ec2 from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";

export interface SecretsManagerEndpointProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
}

/**
 * A way to Secrets Manager for private subnets that have none to the internet. It calls KMS by itself, so no other is needed.
 *
 * Whoever is to use it is let in by its `connections`.
 */
export class SecretsManagerEndpoint extends Construct implements ec2.IConnectable {
  readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, { vpc, subnets }: SecretsManagerEndpointProps) {
    super(scope, id);
    const securityGroup = new ec2.SecurityGroup(this, "SecurityGroup", { vpc, description: "Secrets Manager", allowAllOutbound: false });
    new ec2.InterfaceVpcEndpoint(this, "Endpoint", {
      vpc,
      service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      // One in each zone: EC2 refuses two.
      subnets: {
        subnets: subnets.filter(
          ({ availabilityZone: zone }, index) => subnets.findIndex((each) => each.availabilityZone === zone) === index,
        ),
      },
      securityGroups: [securityGroup],
      open: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(443) });
  }
}
