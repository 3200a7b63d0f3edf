import { join } from "node:path";
import type { AwsEnvironment } from "../../../constructs/aws/stacks/aws-environment";
import type { NamedSpec } from "../../../infra/spec";
import { resolveAws } from "../../fixtures/aws";
import developmentSpec from "../../fixtures/environments/development";
import local from "../../fixtures/environments/local";
import production from "../../fixtures/environments/production";
import { ACCOUNT, type AwsDouble, REGION } from "./double";

/** An environment, and how the CLI is told of it. */
export interface Subject {
  readonly environment: AwsEnvironment;
  readonly options: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** A network of its own, and no cluster: as it stands in its file in the copy of the project. */
export const development = async (): Promise<Subject> => ({
  environment: resolveAws(developmentSpec),
  options: ["--context", "environment=development"],
  variables: {},
});

/** A network and a cluster that exist, with all platforms: as it stands in its file, with ids in the place of the examples. */
export async function productionIn(aws: AwsDouble): Promise<Subject> {
  const { Vpc: vpc } = await aws.ask<{ Vpc: { VpcId: string } }>("ec2", "create_vpc", { CidrBlock: "10.0.0.0/16" });
  const group = { GroupName: "cluster", Description: "Cluster", VpcId: vpc.VpcId };
  const { GroupId } = await aws.ask<{ GroupId: string }>("ec2", "create_security_group", group);
  const provider = { Url: `https://oidc.eks.${REGION}.amazonaws.com/id/0A1B2C3D4E5F60714`, ThumbprintList: ["0".repeat(40)] };
  const { OpenIDConnectProviderArn: oidcProvider } = await aws.ask<{ OpenIDConnectProviderArn: string }>(
    "iam",
    "create_open_id_connect_provider",
    provider,
  );
  const spec: NamedSpec = {
    ...production,
    acknowledge: local.acknowledge,
    aws: {
      ...production.aws,
      account: ACCOUNT,
      network: {
        vpc: vpc.VpcId,
        privateSubnets: [
          { id: await createSubnet(aws, vpc.VpcId, `${REGION}a`, "10.0.0.0/24"), zone: `${REGION}a` },
          { id: await createSubnet(aws, vpc.VpcId, `${REGION}b`, "10.0.1.0/24"), zone: `${REGION}b` },
        ],
      },
      cluster: { ...production.aws.cluster, name: "ml-platform", securityGroups: [GroupId], clusterSecurityGroup: GroupId, oidcProvider },
    },
    platforms: {
      ...production.platforms,
      "kubeflow-pipelines": { ...local.platforms["kubeflow-pipelines"], instance: "main" },
    },
  };
  return {
    environment: resolveAws(spec),
    options: ["--app", `node --require tsx/cjs '${join(__dirname, "app.ts")}'`],
    variables: { SPEC: JSON.stringify(spec) },
  };
}

async function createSubnet(aws: AwsDouble, vpc: string, zone: string, cidr: string): Promise<string> {
  const input = { VpcId: vpc, CidrBlock: cidr, AvailabilityZone: zone };
  return (await aws.ask<{ Subnet: { SubnetId: string } }>("ec2", "create_subnet", input)).Subnet.SubnetId;
}
