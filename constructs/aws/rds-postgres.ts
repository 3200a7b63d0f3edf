import { Stack, Token } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as rds from "aws-cdk-lib/aws-rds";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { UserError } from "../model/errors";
import type { InstanceSettings, InstanceSpec, MajorVersion } from "../model/instance";
import type { Reach } from "../model/wire";
import { DatabaseSecret } from "./database-secret";
import { grantRead } from "./grants";
import { type RdsInstance, type RdsInstanceSpec, regionOf, toInstanceSpec, toRdsInstance } from "./rds-instance";
import { createCommon, createInstance, createReplicas, createSecurityGroup, masterOf, PORT, type RdsResourcesProps } from "./rds-resources";
import { retain } from "./retain";
import { LOG_RETENTION_DAYS } from "./section";
import { databaseSubnets, type Placement } from "./subnets";

/** A PostgreSQL server for platforms: created here, or existing. */
export interface IRdsPostgres extends ec2.IConnectable {
  /** Where it and its first replica listen. */
  readonly connection: Reach;
  /** The master's user name and password. */
  readonly secret: secretsmanager.ISecret;
  /** Encrypts its secrets; null for the account's own key. */
  readonly key: kms.IKey | null;
  /** Commands for a person to restart it, replicas first: a standby must not have fewer connections than its primary. Null for an existing database. */
  readonly restart: string | null;
  /** Acknowledged rules of the server, with reasons. */
  readonly acknowledge: Readonly<Record<string, string>>;
  /** Returns the server as a spec in a region describes it. */
  toSpec(region: string): InstanceSpec;
  /** Grants a function or role permission to read the master's secret and, within the network, to connect to the server. */
  grantConnect(grantee: iam.IGrantable & ec2.IConnectable): void;
}

export interface RdsPostgresProps extends Placement {
  /** Subnets of the database, in at least two zones. @defaultValue the isolated subnets, otherwise the private ones */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Size, disk, backups, version and parameters: the settings of `instances.<name>` and `aws.instances.<name>` of a spec, checked with the
   * same rules; or what `toRdsInstance` returned.
   *
   * @defaultValue `{}`: PostgreSQL 17, 2 vCPUs, 8 GiB, a disk of 100 GiB, a standby, backups of 7 days
   */
  readonly instance?: RdsInstanceSpec | RdsInstance;
  /** Reasons for settings of `instance` that rules would otherwise reject, by rule ID. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
  /** Security groups whose members may connect, in addition to `instance.allowedSources`; to admit others, use `connections`. @defaultValue `[]` */
  readonly clients?: readonly ec2.ISecurityGroup[];
  /** Encrypts the database and its secrets; null creates a key, which rotates every year. @defaultValue `null` */
  readonly key?: kms.IKey | null;
  /** Whether changes take effect immediately, with a restart if needed, instead of in the maintenance window. @defaultValue `false` */
  readonly applyImmediately?: boolean;
  /** Days to keep logs; CloudWatch Logs must allow the number. @defaultValue `90` */
  readonly logRetentionDays?: number;
}

/** An existing server's encryption key, connections and version. */
interface ExistingServer {
  /** Encrypts the master's and the platforms' secrets. @defaultValue AWS's key for Secrets Manager */
  readonly key?: kms.IKey | null;
  /** The server's `max_connections`, as `SHOW max_connections` prints it. @defaultValue `100` */
  readonly maxConnections?: number;
  /** The server's major version. @defaultValue `17` */
  readonly majorVersion?: MajorVersion;
}

export interface RdsPostgresAttributes extends ExistingServer {
  /** Name of the endpoint, as in the server's certificate. */
  readonly host: string;
  /** TCP port. @defaultValue `5432` */
  readonly port?: number;
  /** Complete ARN. */
  readonly masterSecretArn: string;
  /** Security group of the database, which then admits provisioning. Null if it is already admitted. @defaultValue `null` */
  readonly securityGroup?: ec2.ISecurityGroup | null;
}

export interface RdsDatabaseInstanceAttributes extends ExistingServer {
  /** An instance of this app, or an imported one. */
  readonly instance: rds.IDatabaseInstance;
  /**
   * JSON with the `username` and `password` of a login that may create roles and databases, such as the master; with its complete ARN.
   *
   * @defaultValue the secret of a `rds.DatabaseInstance` that has one
   */
  readonly secret?: secretsmanager.ISecret;
  /** TCP port. @defaultValue the instance's port, otherwise `5432` */
  readonly port?: number;
}

/** Must never change: CloudFormation would generate a new password, and the database would keep the old one. */
const masterPassword = (username: string): secretsmanager.CfnSecret.GenerateSecretStringProperty => ({
  secretStringTemplate: JSON.stringify({ username }),
  generateStringKey: "password",
  passwordLength: 32,
  // The remaining characters are [A-Za-z0-9_~.-], which no driver, URL or shell parses.
  excludeCharacters: "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}",
});

/**
 * RDS for PostgreSQL in private subnets: encrypted, verified, and monitored.
 *
 * Deletion protection is separate: an instance that is protected from the start cannot be rolled back, and blocks its stack.
 * `DeletionProtection` turns it on in a later stack, when there is something to protect.
 *
 * Metrics are those of `instance` and `replicas`: `postgres.instance.metricCPUUtilization()`. Deleting the stack keeps the database.
 *
 * @throws SpecError with all errors in `instance`; UserError without two private subnets.
 */
export class RdsPostgres extends Construct implements IRdsPostgres {
  /** Its settings, complete. */
  readonly settings: InstanceSettings;
  /** The server's `max_connections`. */
  readonly maxConnections: number;
  readonly acknowledge: Readonly<Record<string, string>>;
  private readonly checked: RdsInstance;
  readonly instance: rds.DatabaseInstance;
  readonly replicas: readonly rds.DatabaseInstanceReadReplica[];
  readonly connections: ec2.Connections;
  readonly connection: Reach;
  readonly secret: secretsmanager.ISecret;
  readonly key: kms.IKey;
  readonly restart: string;

  constructor(scope: Construct, id: string, given: RdsPostgresProps) {
    super(scope, id);
    const props = complete(this, given);
    this.settings = props.instance.settings;
    this.maxConnections = props.instance.maxConnections;
    this.acknowledge = props.instance.acknowledge ?? {};
    this.checked = props.instance;
    this.key = props.key ?? retain(new kms.Key(this, "Key", { description: `PostgreSQL ${id} and its secrets`, enableKeyRotation: true }));
    const securityGroup = createSecurityGroup(this, props);
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(PORT) });
    const master = new DatabaseSecret(this, "MasterSecret", {
      description: `Master of PostgreSQL ${id}`,
      key: this.key,
      generate: masterPassword(masterOf(props.instance.own)),
    });
    this.secret = secretsmanager.Secret.fromSecretCompleteArn(this, "Secret", master.arn);
    const common = createCommon(this, props, securityGroup, this.key);
    this.instance = createInstance(this, props, common, this.key, master.arn);
    this.replicas = createReplicas(this, props, common, this.instance);
    this.restart = [...this.replicas, this.instance].map(restartCommand).join(" && ");
    const [replica] = this.replicas;
    const reader = replica === undefined ? null : { host: replica.dbInstanceEndpointAddress, port: PORT };
    this.connection = { host: this.instance.dbInstanceEndpointAddress, port: PORT, reader, sidecar: null };
  }

  /** An existing database, by its address. */
  static fromAttributes(scope: Construct, id: string, attributes: RdsPostgresAttributes): IRdsPostgres {
    const { host, port = PORT, masterSecretArn, securityGroup = null } = attributes;
    const secret = secretsmanager.Secret.fromSecretCompleteArn(scope, `${id}Secret`, masterSecretArn);
    const securityGroups = securityGroup === null ? [] : [securityGroup];
    const connections = new ec2.Connections({ securityGroups, defaultPort: ec2.Port.tcp(port) });
    return existingPostgres({ host, port, sidecar: null }, connections, secret, attributes);
  }

  /**
   * A database of the CDK's own construct, or an imported one. Creates no resource.
   *
   * @throws UserError without a secret, or if the secret lacks its complete ARN.
   */
  static fromDatabaseInstance(attributes: RdsDatabaseInstanceAttributes): IRdsPostgres {
    const { instance } = attributes;
    const secret = attributes.secret ?? (instance instanceof rds.DatabaseInstance ? instance.secret : undefined);
    if (secret === undefined) throw new UserError("secret: is required, because the instance has none; name the secret of its master");
    if (secret.secretFullArn === undefined)
      throw new UserError("secret: must have its complete ARN; import it with Secret.fromSecretCompleteArn");
    const port = attributes.port ?? portOfInstance(instance);
    return existingPostgres({ host: instance.dbInstanceEndpointAddress, port, sidecar: null }, instance.connections, secret, {
      ...attributes,
      key: attributes.key ?? secret.encryptionKey,
    });
  }

  grantConnect(grantee: iam.IGrantable & ec2.IConnectable): void {
    grantConnect(grantee, this);
  }

  toSpec(): InstanceSpec {
    return toInstanceSpec(this.checked);
  }
}

/** Fills in the spec's defaults. */
function complete(scope: Construct, { instance = {}, ...props }: RdsPostgresProps): RdsResourcesProps & { readonly key: kms.IKey | null } {
  const checked = "settings" in instance ? instance : toRdsInstance(instance, regionOf(scope, instance), props.acknowledge);
  return {
    vpc: props.vpc,
    // An existing group has its own parameters.
    subnets: checked.own.subnetGroup === null ? databaseSubnets(props) : [],
    instance: checked,
    clients: props.clients ?? [],
    key: props.key ?? null,
    applyImmediately: props.applyImmediately ?? false,
    logRetentionDays: props.logRetentionDays ?? LOG_RETENTION_DAYS,
  };
}

function existingPostgres(
  connection: Reach,
  connections: ec2.Connections,
  secret: secretsmanager.ISecret,
  { key = null, maxConnections, majorVersion }: ExistingServer,
): IRdsPostgres {
  const { port } = connection;
  return {
    connection,
    connections,
    secret,
    key,
    restart: null,
    acknowledge: {},
    // The host and the secret may be deploy-time values, and rules read only their region.
    toSpec: (region) => ({
      majorVersion,
      existing: { host: "database.invalid", port, masterSecret: placeholderSecret(region), maxConnections },
    }),
    grantConnect: (grantee) => grantConnect(grantee, { connections, secret, key }),
  };
}

const placeholderSecret = (region: string): string => `arn:aws:secretsmanager:${region}:111122223333:secret:master-AbCdEf`;

/** Returns the port that the instance was created with: Helm values cannot contain a deploy-time port. */
function portOfInstance(instance: rds.IDatabaseInstance): number {
  const { port } = instance.instanceEndpoint;
  if (!Token.isUnresolved(port)) return port;
  const { defaultChild } = instance.node;
  return defaultChild instanceof rds.CfnDBInstance && defaultChild.port !== undefined ? Number(defaultChild.port) : PORT;
}

/** https://www.postgresql.org/docs/17/hot-standby.html#HOT-STANDBY-ADMIN */
const restartCommand = (database: rds.IDatabaseInstance): string =>
  `aws rds reboot-db-instance --region ${Stack.of(database).region} --db-instance-identifier ${database.instanceIdentifier}`;

function grantConnect(
  grantee: iam.IGrantable & ec2.IConnectable,
  { connections, secret, key }: Pick<IRdsPostgres, "connections" | "secret" | "key">,
): void {
  grantRead(grantee, [secret.secretArn], key);
  // The rule belongs to the grantee's stack, so that later stacks do not change the database's.
  for (const client of grantee.connections.securityGroups) client.connections.allowTo({ connections }, portOf(connections), "PostgreSQL");
  // Without its security group, only the port of a database is known.
  if (connections.securityGroups.length === 0) grantee.connections.allowToAnyIpv4(portOf(connections), "PostgreSQL");
}

const portOf = ({ defaultPort }: ec2.Connections): ec2.Port => defaultPort ?? ec2.Port.tcp(PORT);
