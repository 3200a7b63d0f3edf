import { CfnOutput, type Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct, IConstruct } from "constructs";
import { DatabaseProvisioning } from "../../constructs/aws/database-provisioning";
import { DatabaseSecret } from "../../constructs/aws/database-secret";
import { DeletionProtection } from "../../constructs/aws/deletion-protection";
import type { IRdsPostgres } from "../../constructs/aws/rds-postgres";
import { SecretReaderRole } from "../../constructs/aws/secret-reader-role";
import { SecretRotation } from "../../constructs/aws/secret-rotation";
import { SecretsManagerEndpoint } from "../../constructs/aws/secrets-manager-endpoint";
import { tenantTag } from "../../constructs/aws/task";
import { idOf } from "../../constructs/model/fields";
import { mapValues } from "../../constructs/model/json";
import { CHECKOUT, npmCommand } from "../command-line";
import type { DatabaseStack } from "./database-stack";
import { type AwsEnvironment, functionCaOf, generationOf, hasNetwork, isGuarded } from "./environment";
import { EnvironmentStack, type PrivateNetwork, placeIn } from "./environment-stack";
import type { Outputs } from "./outputs";

type Servers = Pick<DatabaseStack, "servers" | "created">;
type PlatformAccess = Outputs["platforms"][string];

/** The platforms' secrets, what makes their databases, and what rotates their passwords. Its failures never touch a server. */
export class AccessStack extends EnvironmentStack {
  /** By platform. */
  readonly platforms: Outputs["platforms"];

  constructor(scope: Construct, environment: AwsEnvironment, network: PrivateNetwork | null, { servers, created }: Servers) {
    super(scope, { environment, part: "access", description: `Databases, logins and passwords of ${environment.name}` });
    const placement = hasNetwork(environment) ? placeIn(this, environment, network) : null;
    // First: the database's stack lists what others take from it in the order in which they do, and no platform may change that order.
    new CfnOutput(this, "Instances", {
      description: "Where each server listens, its master's secret, its key, its security groups, and the command that restarts it",
      value: this.toJsonString(mapValues(servers, toOutput)),
    });
    const way = placement === null ? { before: [], existing: null } : reachSecretsManager(this, environment, placement);
    const access = Object.entries(servers).map(([name, postgres]) => createAccess(this, environment, placement, name, postgres, way));
    this.platforms = Object.assign({}, ...access);
    createProtection(this, environment, created);
    new CfnOutput(this, "Platforms", {
      description: "Each platform's secret, and the role that External Secrets reads it with",
      value: this.toJsonString(this.platforms),
    });
    const about = { environment: environment.name, cloud: "aws", outputs: "cdk-outputs.json" };
    if (placement === null)
      new CfnOutput(this, "First", {
        description: "Creates databases and passwords, from a machine that reaches the servers",
        value: npmCommand("provision", about, [], CHECKOUT),
      });
    new CfnOutput(this, "Next", {
      description: "Writes the files for a cluster from these outputs",
      value: npmCommand("render", about, [], CHECKOUT),
    });
  }
}

const toOutput = ({ connection: { host, port }, secret, key, connections, restart }: IRdsPostgres): Outputs["instances"][string] => ({
  host,
  port,
  masterSecret: secret.secretArn,
  key: key?.keyArn ?? null,
  securityGroups: connections.securityGroups.map((group) => group.securityGroupId),
  restart,
});

/** How functions reach Secrets Manager: resources to create first, and an existing endpoint to be let in to. */
interface Way {
  readonly before: readonly IConstruct[];
  readonly existing: ec2.Connections | null;
}

function reachSecretsManager(scope: Construct, { section }: AwsEnvironment, placement: PrivateNetwork): Way {
  const { network, vpcCidr, secretsManagerEndpoint, existingSecretsManagerEndpoint } = section;
  if (network === null || secretsManagerEndpoint) {
    const cidrs = network?.cidrs ?? [vpcCidr];
    return { before: [new SecretsManagerEndpoint(scope, "SecretsManager", { ...placement, cidrs })], existing: null };
  }
  if (existingSecretsManagerEndpoint === null) return { before: [], existing: null };
  const group = ec2.SecurityGroup.fromSecurityGroupId(scope, "SecretsManager", idOf(existingSecretsManagerEndpoint));
  return { before: [], existing: new ec2.Connections({ securityGroups: [group], defaultPort: ec2.Port.tcp(443) }) };
}

/** Protects the instances that the environment creates: here, because a failure here never touches them. */
function createProtection(scope: Construct, environment: AwsEnvironment, created: DatabaseStack["created"]): void {
  const those = Object.entries(created).map(([name, postgres]) => ({
    postgres,
    isProtected: isGuarded(environment, name),
    generation: generationOf(environment, name),
  }));
  if (those.length === 0) return;
  new DeletionProtection(scope, "DeletionProtection", { instances: those, logRetentionDays: environment.section.logRetentionDays });
}

/** One instance, and what it creates for each platform. Functions need a network. */
function createAccess(
  stack: AccessStack,
  environment: AwsEnvironment,
  placement: PrivateNetwork | null,
  name: string,
  postgres: IRdsPostgres,
  way: Way,
): Readonly<Record<string, PlatformAccess>> {
  const { tenants = {} } = environment.instances[name] ?? {};
  const secrets = mapValues(tenants, (_tenant, platform) => createSecret(stack, environment.name, name, platform, postgres));
  if (placement !== null) createFunctions(stack, environment, placement, name, postgres, secrets, way);
  return mapValues(secrets, ({ arn }, platform) => ({
    secretArn: arn,
    readerRoleArn: createReaderRole(stack, environment, platform, arn, postgres),
  }));
}

/** What provisions an instance, and rotates the passwords of its platforms and its master. */
function createFunctions(
  stack: AccessStack,
  environment: AwsEnvironment,
  placement: PrivateNetwork,
  name: string,
  postgres: IRdsPostgres,
  secrets: Readonly<Record<string, DatabaseSecret>>,
  way: Way,
): void {
  const { settings, tenants = {} } = environment.instances[name] ?? {};
  const { rotationDays, logRetentionDays } = environment.section;
  const existing = settings?.existing ?? null;
  const generation = generationOf(environment, name);
  const common = { environment: environment.name, ca: functionCaOf(environment, name), generation, tenants, secrets, logRetentionDays };
  const props = { ...placement, ...common, postgres };

  const provisioning = Object.keys(secrets).length === 0 ? null : new DatabaseProvisioning(stack, `${name}-provisioning`, props);
  const after = [...way.before, ...(provisioning === null ? [] : [provisioning.resource])];
  const includeMaster = existing === null;
  const isRotated = provisioning !== null || includeMaster;
  const rotation = isRotated ? new SecretRotation(stack, `${name}-rotation`, { ...props, after, includeMaster, rotationDays }) : null;
  for (const each of [provisioning, rotation]) if (each !== null) way.existing?.allowDefaultPortFrom(each.function, "Secrets Manager");
  provisioning?.resource.node.addDependency(...way.before);
}

const createSecret = (stack: Stack, environment: string, instance: string, platform: string, { key }: IRdsPostgres): DatabaseSecret =>
  new DatabaseSecret(stack, `${platform}-secret`, {
    description: `Database login of ${platform} in ${environment}`,
    key,
    generate: null,
    tenant: tenantTag(environment, instance, platform),
  });

function createReaderRole(
  stack: AccessStack,
  { section, platforms }: AwsEnvironment,
  platform: string,
  secretArn: string,
  { key }: IRdsPostgres,
): string | null {
  const settings = platforms[platform]?.settings;
  if (section.cluster === null || settings === undefined) return null;
  const { namespace, release } = settings;
  const oidcProvider = idOf(section.cluster.oidcProvider);
  return new SecretReaderRole(stack, `${platform}-reader`, { namespace, release, oidcProvider, secretArn, key }).roleArn;
}
