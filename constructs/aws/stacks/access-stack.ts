import { CfnOutput, Fn, type Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct, IConstruct } from "constructs";
import { idOf } from "../../model/fields";
import { mapValues } from "../../model/json";
import type { Tenant } from "../../model/spec";
import { DatabaseProvisioning } from "../database-provisioning";
import { DatabaseSecret } from "../database-secret";
import { DeletionProtection } from "../deletion-protection";
import { createInnerStack, publish } from "../inner-stack";
import type { PlatformAccess } from "../platform-releases";
import type { IRdsPostgres } from "../rds-postgres";
import { RotationAlarm } from "../rotation-alarm";
import { SecretReaderRole } from "../secret-reader-role";
import { SecretRotation } from "../secret-rotation";
import { SecretsManagerEndpoint } from "../secrets-manager-endpoint";
import { tenantTag } from "../task";
import { type AwsEnvironment, functionCaOf, generationOf, hasNetwork, isGuarded, isInner } from "./aws-environment";
import type { DatabaseStack } from "./database-stack";
import { EnvironmentStack, type PrivateNetwork, placeIn } from "./environment-stack";
import { idPart, innerOutput, type Outputs, ROTATION, type RotationFunctions } from "./outputs";

/** Next commands after a deployment, for a person who reads its outputs. */
export interface NextCommands {
  /** Creates databases and passwords if no function does. */
  readonly provision: string;
  /** Writes files for a cluster. */
  readonly render: string;
}

type Servers = Pick<DatabaseStack, "servers" | "created" | "topic">;
/** A platform in the outputs. */
type PlatformOutput = Outputs["platforms"][string];

/** The platforms' secrets, and the functions that create their databases and rotate their passwords. Its failures never change a server. */
export class AccessStack extends EnvironmentStack {
  /** By platform. */
  readonly platforms: ByPlatform<PlatformAccess>;

  constructor(
    scope: Construct,
    environment: AwsEnvironment,
    network: PrivateNetwork | null,
    { servers, created, topic }: Servers,
    commands: NextCommands | null,
  ) {
    super(scope, { environment, part: "access", description: `Databases, logins and passwords of ${environment.name}` });
    const placement = hasNetwork(environment) ? placeIn(this, environment, network) : null;
    // First: the database stack lists its exports in the order of their use, and platforms must not change that order.
    new CfnOutput(this, "Instances", {
      description: "Where each server listens, its master's secret, its key, its security groups, and the command that restarts it",
      value: this.toJsonString(mapValues(servers, toOutput)),
    });
    // Next, for the same reason: it refers to the topic.
    const isWatched = placement !== null && topic !== null;
    const alarm = isWatched ? new RotationAlarm(this, "RotationAlarm", { environment: environment.name, topic }) : null;
    const reached = placement === null ? { before: [], existing: null } : reachSecretsManager(this, environment, placement);
    const way = { ...reached, alarm };
    const access = Object.entries(servers).map(([name, postgres]) => createAccess(this, environment, placement, name, postgres, way));
    const inner = Object.entries(servers).map(([name, postgres]) => createInnerAccess(this, environment, placement, name, postgres, way));
    this.platforms = Object.assign(
      {},
      ...access.map(({ platforms }) =>
        mapValues(platforms, ({ secretArn, readerRoleArn }) => ({ secretArn, readerRoleArn: readerRoleArn ?? "" })),
      ),
      ...inner.map(({ platforms }) => mapValues(platforms, (arns) => ({ arns }))),
    );
    createProtection(this, environment, created);
    new CfnOutput(this, "Platforms", {
      description: "Each platform's secret, and the role that External Secrets reads it with",
      value: this.toJsonString(Object.assign({}, ...access.map(({ platforms }) => platforms))),
    });
    if (placement !== null) {
      const functions = Object.keys(servers).map((name, index): [string, RotationFunctions] => [
        name,
        { platforms: access[index]?.rotation ?? null, furtherPlatforms: inner[index]?.rotation ?? null },
      ]);
      new CfnOutput(this, ROTATION, {
        description: "The functions that rotate passwords on each instance: for platforms named like their kind, and for further platforms",
        value: this.toJsonString(Object.fromEntries(functions)),
      });
    }
    if (placement === null && commands !== null)
      new CfnOutput(this, "First", {
        description: "Creates databases and passwords, from a machine that reaches the servers",
        value: commands.provision,
      });
    if (commands !== null)
      new CfnOutput(this, "Next", { description: "Writes the files for a cluster from these outputs", value: commands.render });
  }
}

const toOutput = ({ connection, secret, key, connections, restart }: IRdsPostgres): Outputs["instances"][string] => ({
  host: connection.host,
  port: connection.port,
  ...(connection.reader ? { reader: connection.reader } : {}),
  masterSecret: secret.secretArn,
  key: key?.keyArn ?? null,
  securityGroups: connections.securityGroups.map((group) => group.securityGroupId),
  restart,
});

/** How functions reach Secrets Manager: resources to create first, and an existing endpoint that admits them. */
interface Reach {
  readonly before: readonly IConstruct[];
  readonly existing: ec2.Connections | null;
}
interface Way extends Reach {
  /** Null if there is no topic to notify, or no function to watch. */
  readonly alarm: RotationAlarm | null;
}

function reachSecretsManager(scope: Construct, { section }: AwsEnvironment, placement: PrivateNetwork): Reach {
  const { network, vpcCidr, secretsManagerEndpoint, existingSecretsManagerEndpoint } = section;
  if (network === null || secretsManagerEndpoint) {
    const cidrs = network?.cidrs ?? [vpcCidr];
    return { before: [new SecretsManagerEndpoint(scope, "SecretsManager", { ...placement, cidrs })], existing: null };
  }
  if (existingSecretsManagerEndpoint === null) return { before: [], existing: null };
  const group = ec2.SecurityGroup.fromSecurityGroupId(scope, "SecretsManager", idOf(existingSecretsManagerEndpoint));
  return { before: [], existing: new ec2.Connections({ securityGroups: [group], defaultPort: ec2.Port.tcp(443) }) };
}

/** Protects the created instances from deletion: here, because a failure here never changes them. */
function createProtection(scope: Construct, environment: AwsEnvironment, created: DatabaseStack["created"]): void {
  const those = Object.entries(created).map(([name, postgres]) => ({
    postgres,
    isProtected: isGuarded(environment, name),
    generation: generationOf(environment, name),
  }));
  if (those.length === 0) return;
  new DeletionProtection(scope, "DeletionProtection", { instances: those, logRetentionDays: environment.section.logRetentionDays });
}

type ByPlatform<T> = Readonly<Record<string, T>>;
/** Access of some platforms of an instance, and the ARN of the function that rotates their passwords, if there is one. */
interface Access<T> {
  readonly platforms: ByPlatform<T>;
  readonly rotation: string | null;
}

/** Creates access for platforms that are named after their kind, and for the master. Functions need a network. */
function createAccess(
  stack: AccessStack,
  environment: AwsEnvironment,
  placement: PrivateNetwork | null,
  name: string,
  postgres: IRdsPostgres,
  way: Way,
): Access<PlatformOutput> {
  const tenants = tenantsOf(environment, name, false);
  const secrets = mapValues(tenants, (_tenant, platform) => createSecret(stack, environment.name, name, platform, postgres));
  const includeMaster = environment.instances[name]?.settings.existing === null;
  const part = { name, tenants, secrets, secretTags: null, includeMaster, id: `${name}-` };
  const rotation = placement === null ? null : createFunctions(stack, environment, placement, postgres, part, way);
  const platforms = mapValues(secrets, ({ arn }, platform) => ({
    secretArn: arn,
    readerRoleArn: createReaderRole(stack, environment, platform, arn, postgres),
  }));
  return { platforms, rotation };
}

/**
 * Creates, in a nested stack, access for platforms whose names differ from their kinds.
 *
 * @returns the ARNs of each platform's secret and reader in one string, because a template can have 200 outputs at most.
 */
function createInnerAccess(
  stack: AccessStack,
  environment: AwsEnvironment,
  placement: PrivateNetwork | null,
  name: string,
  postgres: IRdsPostgres,
  way: Way,
): Access<string> {
  const tenants = tenantsOf(environment, name, true);
  if (Object.keys(tenants).length === 0) return { platforms: {}, rotation: null };
  const inner = createInnerStack(stack, name, `Databases, logins and passwords of further platforms on ${name}`);
  const secrets = mapValues(tenants, (_tenant, platform) => createSecret(inner, environment.name, name, platform, postgres));
  const part = { name, tenants, secrets, secretTags: tenantTag(environment.name, name, ""), includeMaster: false, id: "" };
  const rotation = placement === null ? null : createFunctions(inner, environment, placement, postgres, part, way);
  const published = mapValues(secrets, ({ arn }, platform) => {
    const reader = createReaderRole(inner, environment, platform, arn, postgres);
    return publish(inner, `Platform${idPart(platform)}`, reader === null ? arn : `${arn} ${reader}`);
  });
  const partOf = (arns: string, index: number): string => Fn.select(index, Fn.split(" ", arns));
  const hasReaders = environment.section.cluster !== null;
  new CfnOutput(stack, innerOutput(name), {
    description: `The same for further platforms on ${name}`,
    value: stack.toJsonString(
      mapValues(published, (arns): PlatformOutput => ({ secretArn: partOf(arns, 0), readerRoleArn: hasReaders ? partOf(arns, 1) : null })),
    ),
  });
  return { platforms: published, rotation: rotation === null ? null : publish(inner, ROTATION, rotation) };
}

const tenantsOf = (environment: AwsEnvironment, instance: string, inner: boolean): ByPlatform<Tenant> =>
  Object.fromEntries(
    Object.entries(environment.instances[instance]?.tenants ?? {}).filter(([platform]) => isInner(environment, platform) === inner),
  );

/** One part of an instance's platforms. */
interface Part {
  /** Name of the instance. */
  readonly name: string;
  readonly tenants: ByPlatform<Tenant>;
  readonly secrets: ByPlatform<DatabaseSecret>;
  readonly secretTags: string | null;
  readonly includeMaster: boolean;
  /** Prefix of the constructs' IDs. */
  readonly id: string;
}

/** Creates the functions that provision an instance and rotate the passwords of its platforms and master. @returns the ARN of the rotation function. */
function createFunctions(
  stack: Stack,
  environment: AwsEnvironment,
  placement: PrivateNetwork,
  postgres: IRdsPostgres,
  { name, id, includeMaster, ...part }: Part,
  way: Way,
): string | null {
  const { rotationDays, logRetentionDays } = environment.section;
  const ca = functionCaOf(environment, name);
  const common = { environment: environment.name, ca, generation: generationOf(environment, name), logRetentionDays };
  const vpcSubnets = { subnets: [...placement.subnets] };
  const props = { vpc: placement.vpc, vpcSubnets, ...common, ...part, postgres };

  const provisioning = Object.keys(part.secrets).length === 0 ? null : new DatabaseProvisioning(stack, `${id}provisioning`, props);
  const after = [...way.before, ...(provisioning === null ? [] : [provisioning.resource])];
  const isRotated = provisioning !== null || includeMaster;
  const rotation = isRotated ? new SecretRotation(stack, `${id}rotation`, { ...props, after, includeMaster, rotationDays }) : null;
  if (rotation !== null) way.alarm?.watch(`${name}.${id}`, rotation.function);
  for (const each of [provisioning, rotation]) if (each !== null) way.existing?.allowDefaultPortFrom(each.function, "Secrets Manager");
  provisioning?.resource.node.addDependency(...way.before);
  return rotation?.function.functionArn ?? null;
}

const createSecret = (stack: Stack, environment: string, instance: string, platform: string, { key }: IRdsPostgres): DatabaseSecret =>
  new DatabaseSecret(stack, `${platform}-secret`, {
    description: `Database login of ${platform} in ${environment}`,
    key,
    tenant: tenantTag(environment, instance, platform),
  });

function createReaderRole(
  stack: Stack,
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
