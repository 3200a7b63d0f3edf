import { CfnOutput } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { DatabaseProvisioning } from "../../constructs/aws/database-provisioning";
import { DatabaseSecret } from "../../constructs/aws/database-secret";
import type { IRdsPostgres } from "../../constructs/aws/rds-postgres";
import { SecretReaderRole } from "../../constructs/aws/secret-reader-role";
import { SecretRotation } from "../../constructs/aws/secret-rotation";
import { SecretsManagerEndpoint } from "../../constructs/aws/secrets-manager-endpoint";
import { idOf } from "../../constructs/model/fields";
import { mapValues } from "../../constructs/model/json";
import { type AwsEnvironment, generationOf } from "./environment";
import { EnvironmentStack, type Placement, placeIn } from "./environment-stack";

/** What a platform logs in with. */
export interface PlatformAccess {
  readonly secretArn: string;
  /** What External Secrets reads it with; null without a cluster. */
  readonly readerRoleArn: string | null;
}

/** The platforms' secrets, what makes their databases, and what rotates their passwords. Its failures never touch a server. */
export class AccessStack extends EnvironmentStack {
  /** By platform. */
  readonly platforms: Readonly<Record<string, PlatformAccess>>;

  constructor(scope: Construct, environment: AwsEnvironment, network: Placement | null, servers: Readonly<Record<string, IRdsPostgres>>) {
    super(scope, { environment, part: "access", description: `Databases, logins and passwords of ${environment.name}` });
    const placement = placeIn(this, environment, network);
    nameServers(this, servers);
    const needsEndpoint = environment.section.secretsManagerEndpoint || environment.section.network === null;
    const endpoint = needsEndpoint ? new SecretsManagerEndpoint(this, "SecretsManager", placement) : null;
    const platforms = Object.entries(servers).flatMap(([name, postgres]) =>
      Object.entries(createAccess(this, environment, placement, name, postgres, endpoint)),
    );
    this.platforms = Object.fromEntries(platforms);
    new CfnOutput(this, "Platforms", {
      description: "Each platform's secret, and the role that External Secrets reads it with",
      value: this.toJsonString(this.platforms),
    });
    new CfnOutput(this, "Next", {
      description: "Writes the files for a cluster from these outputs",
      value: `npm run render -- --environment ${environment.name} --cloud aws --outputs cdk-outputs.json`,
    });
  }
}

/**
 * Refers to all that is taken from the database's stack, first and in one order. That stack lists what others refer to in the order in
 * which they do, and a platform must not change it.
 */
function nameServers(stack: AccessStack, servers: Readonly<Record<string, IRdsPostgres>>): void {
  const references = Object.values(servers).flatMap(({ connection, connections, secret, key }) => [
    connection.host,
    secret.secretArn,
    ...(key === null ? [] : [key.keyArn]),
    ...connections.securityGroups.map((group) => group.securityGroupId),
  ]);
  new CfnOutput(stack, "Servers", { description: "What this stack was made for", value: references.join(" ") });
}

/** Everything about one instance; what it makes for each platform. */
function createAccess(
  stack: AccessStack,
  environment: AwsEnvironment,
  placement: Placement,
  name: string,
  postgres: IRdsPostgres,
  endpoint: SecretsManagerEndpoint | null,
): Readonly<Record<string, PlatformAccess>> {
  const { section } = environment;
  const instance = environment.instances[name];
  if (instance === undefined) return {};
  const secrets = mapValues(
    instance.tenants,
    (_tenant, platform) =>
      new DatabaseSecret(stack, `${platform}-secret`, {
        description: `Database login of ${platform} in ${environment.name}`,
        key: postgres.key,
        generate: null,
      }),
  );
  const props = {
    ...placement,
    environment: environment.name,
    postgres,
    ca: instance.settings.existing?.ca ?? null,
    generation: generationOf(environment, name),
    tenants: instance.tenants,
    secrets,
    logRetentionDays: section.logRetentionDays,
  };
  const isEmpty = Object.keys(secrets).length === 0;
  const provisioning = isEmpty ? null : new DatabaseProvisioning(stack, `${name}-provisioning`, props);
  const includeMaster = instance.settings.existing === null;
  const rotation =
    isEmpty && !includeMaster
      ? null
      : new SecretRotation(stack, `${name}-rotation`, { ...props, provisioning, includeMaster, rotationDays: section.rotationDays });
  for (const each of [provisioning, rotation])
    if (each !== null) endpoint?.connections.allowDefaultPortFrom(each.function, "Secrets Manager");
  if (endpoint !== null) provisioning?.resource.node.addDependency(endpoint);
  return mapValues(secrets, (secret, platform) => ({
    secretArn: secret.arn,
    readerRoleArn: createReaderRole(stack, environment, platform, secret.arn, postgres),
  }));
}

function createReaderRole(
  stack: AccessStack,
  { section, platforms }: AwsEnvironment,
  platform: string,
  secretArn: string,
  { key }: IRdsPostgres,
): string | null {
  const settings = platforms[platform as keyof typeof platforms]?.settings;
  if (section.cluster === null || settings === undefined) return null;
  const { namespace, release } = settings;
  const oidcProvider = idOf(section.cluster.oidcProvider);
  return new SecretReaderRole(stack, `${platform}-reader`, { namespace, release, oidcProvider, secretArn, key }).roleArn;
}
