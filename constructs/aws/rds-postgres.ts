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
import { createCommon, createInstance, createReplicas, createSecurityGroup, MASTER, PORT, type RdsResourcesProps } from "./rds-resources";
import { retain } from "./retain";
import { LOG_RETENTION_DAYS } from "./section";
import { databaseSubnets, type Placement } from "./subnets";

/** A PostgreSQL server that platforms can be given: made here, or by somebody else. */
export interface IRdsPostgres extends ec2.IConnectable {
  /** Where it and its first replica listen. */
  readonly connection: Reach;
  /** The master's user name and password. */
  readonly secret: secretsmanager.ISecret;
  /** Encrypts its secrets; null where that is the account's own key. */
  readonly key: kms.IKey | null;
  /** Commands that restart it, for a person, replicas first: a standby must not have fewer connections than its primary. Null for an existing database. */
  readonly restart: string | null;
  /** Rules of which the server was excepted, with reasons. */
  readonly acknowledge: Readonly<Record<string, string>>;
  /** The server as a spec in a region describes it. */
  toSpec(region: string): InstanceSpec;
  /** Lets a function or role read the master's secret, and reach the server where it has a network of its own. */
  grantConnect(grantee: iam.IGrantable & ec2.IConnectable): void;
}

export interface RdsPostgresProps extends Placement {
  /** Subnets of the database, in at least two zones. @defaultValue the isolated subnets, else the private ones */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Size, disk, backups, version and parameters: the settings of `instances.<name>` and `aws.instances.<name>` of a spec, checked by the
   * same rules; or what `toRdsInstance` returned.
   *
   * @defaultValue `{}`: PostgreSQL 17, 2 vCPUs, 8 GiB, a disk of 100 GiB, a standby, backups of 7 days
   */
  readonly instance?: RdsInstanceSpec | RdsInstance;
  /** Reasons for what rules would refuse of `instance` without one: rule id to reason. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
  /** Whose members may connect, besides `instance.allowedSources`; `connections` lets in others. @defaultValue `[]` */
  readonly clients?: readonly ec2.ISecurityGroup[];
  /** Encrypts the database and its secrets; null creates a key, which rotates every year. @defaultValue `null` */
  readonly key?: kms.IKey | null;
  /** Whether changes take effect at once, with a restart where one is needed, not in the maintenance window. @defaultValue `false` */
  readonly applyImmediately?: boolean;
  /** Days for which logs are kept, as CloudWatch Logs takes them. @defaultValue `90` */
  readonly logRetentionDays?: number;
}

/** What connects to an existing server, and what is known of it. */
interface ExistingServer {
  /** Encrypts the master's and the platforms' secrets. @defaultValue AWS's key for Secrets Manager */
  readonly key?: kms.IKey | null;
  /** The server's `max_connections`, as `SHOW max_connections` prints it. @defaultValue `100` */
  readonly maxConnections?: number;
  /** The server's major version. @defaultValue `17` */
  readonly majorVersion?: MajorVersion;
}

export interface RdsPostgresAttributes extends ExistingServer {
  /** What the endpoint is called, as the server's certificate carries it. */
  readonly host: string;
  /** TCP port. @defaultValue `5432` */
  readonly port?: number;
  /** Whole ARN. */
  readonly masterSecretArn: string;
  /** Of the database: provisioning is let in through it. Null where it is open to it anyway. @defaultValue `null` */
  readonly securityGroup?: ec2.ISecurityGroup | null;
}

export interface RdsDatabaseInstanceAttributes extends ExistingServer {
  /** Of this app, or imported. */
  readonly instance: rds.IDatabaseInstance;
  /**
   * JSON with the `username` and `password` of a login that may create roles and databases, such as the master, by its whole ARN.
   *
   * @defaultValue the secret of a `rds.DatabaseInstance` that has one
   */
  readonly secret?: secretsmanager.ISecret;
  /** TCP port. @defaultValue that of the instance, else `5432` */
  readonly port?: number;
}

/** Constant for ever: CloudFormation makes a new password when any of it changes, and the database keeps the old one. */
const MASTER_PASSWORD: secretsmanager.CfnSecret.GenerateSecretStringProperty = {
  secretStringTemplate: JSON.stringify({ username: MASTER }),
  generateStringKey: "password",
  passwordLength: 32,
  // What is left is [A-Za-z0-9_~.-], which no driver, URL or shell takes apart.
  excludeCharacters: "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}",
};

/**
 * RDS for PostgreSQL in private subnets: encrypted, verified, and watched.
 *
 * Deletion protection is not part of it: an instance that is protected from its first second on cannot be rolled back, and blocks its
 * stack. `DeletionProtection` turns it on in a later stack, when there is something to protect.
 *
 * Metrics are those of `instance` and `replicas`: `postgres.instance.metricCPUUtilization()`. Deleting the stack keeps the database.
 *
 * @throws SpecError with everything that is wrong in `instance`; UserError without two private subnets.
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
      generate: MASTER_PASSWORD,
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
   * A database of the CDK's own construct, or an imported one. Creates nothing.
   *
   * @throws UserError without a secret, or with one that is not named by its whole ARN.
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
    // A group that exists has its own.
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
    // Of the host and the secret, which may be known only late, rules read no more than the region.
    toSpec: (region) => ({
      majorVersion,
      existing: { host: "database.invalid", port, masterSecret: placeholderSecret(region), maxConnections },
    }),
    grantConnect: (grantee) => grantConnect(grantee, { connections, secret, key }),
  };
}

const placeholderSecret = (region: string): string => `arn:aws:secretsmanager:${region}:111122223333:secret:master-AbCdEf`;

/** A port that is known only late stands in no Helm values, so the one that the instance was given is looked up. */
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
  // The rule belongs to the grantee's stack: who comes later must not change the database's.
  for (const client of grantee.connections.securityGroups) client.connections.allowTo({ connections }, portOf(connections), "PostgreSQL");
  // Of a database whose group is not named, only the port is known.
  if (connections.securityGroups.length === 0) grantee.connections.allowToAnyIpv4(portOf(connections), "PostgreSQL");
}

const portOf = ({ defaultPort }: ec2.Connections): ec2.Port => defaultPort ?? ec2.Port.tcp(PORT);
