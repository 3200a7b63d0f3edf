import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import { PlatformDatabases } from "platform-postgres/aws/platform-databases";
import { RdsPostgres } from "platform-postgres/aws/rds-postgres";

/** A database for MLflow in an existing VPC, in your own stack. With AWS credentials, `Vpc.fromLookup` finds the subnets. */
const stack = new Stack(new App(), "Mlflow", { env: { region: "eu-central-1" } });
const [privateSubnetIds, availabilityZones] = [
  ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712"],
  ["eu-central-1a", "eu-central-1b"],
];
const vpc = Vpc.fromVpcAttributes(stack, "Vpc", { vpcId: "vpc-0a1b2c3d4e5f60718", privateSubnetIds, availabilityZones });
const postgres = new RdsPostgres(stack, "Postgres", { vpc, instance: { size: { vcpus: 2, memoryGib: 8 }, storageGib: 50 } });
const { secrets } = new PlatformDatabases(stack, "Databases", { vpc, postgres, platforms: { mlflow: {} } });
new CfnOutput(stack, "Login", { value: secrets.mlflow.arn });
