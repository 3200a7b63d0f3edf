import { CfnDeletionPolicy, Duration, RemovalPolicy, SecretValue, Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import type * as logs from "aws-cdk-lib/aws-logs";
import * as rds from "aws-cdk-lib/aws-rds";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { InstanceSettings } from "../model/instance";
import { mapValues } from "../model/json";
import type { ResolvedInstance } from "../model/spec";
import type { Reach } from "../model/wire";
import { classOf, maxConnectionsFormula } from "./classes";
import { DatabaseSecret } from "./database-secret";
import { grantRead } from "./grants";
import type { AwsInstance } from "./instance-fields";
import { toRdsValue } from "./parameters";
import { RETAIN, retain } from "./retain";
import { performanceOf } from "./storage";

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
  /** Lets a function or role read the master's secret, and reach the server where it has a network of its own. */
  grantConnect(grantee: iam.IGrantable & ec2.IConnectable): void;
}

export interface RdsPostgresProps {
  readonly instance: Pick<ResolvedInstance, "settings" | "maxConnections">;
  /** What it has on AWS only: `ownInstance(environment, name)`. */
  readonly own: AwsInstance;
  readonly vpc: ec2.IVpc;
  /** Private, in at least two zones. */
  readonly subnets: readonly ec2.ISubnet[];
  /** Whose members may connect, besides the networks of the spec. */
  readonly clients: readonly ec2.ISecurityGroup[];
  /** Null makes one, which rotates every year. */
  readonly key: kms.IKey | null;
  /** Whether changes take effect at once, with a restart where one is needed, not in the maintenance window. */
  readonly applyImmediately: boolean;
  /** Days for which logs are kept. */
  readonly logRetentionDays: number;
}

export interface RdsPostgresAttributes {
  /** What the endpoint is called, as the server's certificate carries it. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Whole ARN. */
  readonly masterSecretArn: string;
  /** Of the database: provisioning is let in through it. Null where it is open to it anyway. */
  readonly securityGroup: ec2.ISecurityGroup | null;
  readonly key: kms.IKey | null;
}

/** PostgreSQL's own; nothing is gained by another, and everybody's tools know it. */
const PORT = 5432;
/** The login that provisions. Some names are reserved. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html */
const MASTER = "platform_admin";

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
 */
export class RdsPostgres extends Construct implements IRdsPostgres {
  readonly instance: rds.DatabaseInstance;
  readonly replicas: readonly rds.DatabaseInstanceReadReplica[];
  readonly connections: ec2.Connections;
  readonly connection: Reach;
  readonly secret: secretsmanager.ISecret;
  readonly key: kms.IKey;
  readonly restart: string;

  constructor(scope: Construct, id: string, props: RdsPostgresProps) {
    super(scope, id);
    this.key = props.key ?? retain(new kms.Key(this, "Key", { description: `PostgreSQL ${id} and its secrets`, enableKeyRotation: true }));
    const securityGroup = createSecurityGroup(this, props);
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(PORT) });
    const master = new DatabaseSecret(this, "MasterSecret", {
      description: `Master of PostgreSQL ${id}`,
      key: this.key,
      generate: MASTER_PASSWORD,
      tenant: null,
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

  /** A database that somebody else made. */
  static fromAttributes(scope: Construct, id: string, attributes: RdsPostgresAttributes): IRdsPostgres {
    const { host, port, masterSecretArn, securityGroup, key } = attributes;
    const secret = secretsmanager.Secret.fromSecretCompleteArn(scope, `${id}Secret`, masterSecretArn);
    const connections = new ec2.Connections({
      securityGroups: securityGroup === null ? [] : [securityGroup],
      defaultPort: ec2.Port.tcp(port),
    });
    return {
      connection: { host, port, sidecar: null },
      connections,
      secret,
      key,
      restart: null,
      grantConnect: (grantee) => grantConnect(grantee, { connections, secret, key }),
    };
  }

  grantConnect(grantee: iam.IGrantable & ec2.IConnectable): void {
    grantConnect(grantee, this);
  }
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

/** Lets in on one port, and nothing out: a database calls nobody. */
function createSecurityGroup(scope: Construct, { vpc, clients, instance }: RdsPostgresProps): ec2.SecurityGroup {
  const group = retain(
    new ec2.SecurityGroup(scope, "SecurityGroup", { vpc, description: "PostgreSQL: who may connect", allowAllOutbound: false }),
  );
  for (const client of clients) group.addIngressRule(client, ec2.Port.tcp(PORT), "PostgreSQL");
  for (const source of instance.settings.allowedSources) group.addIngressRule(ec2.Peer.ipv4(source), ec2.Port.tcp(PORT), "PostgreSQL");
  return group;
}

/** Without a minor version, RDS takes its preferred one, and brings newer ones in the maintenance window. */
const engineOf = ({ majorVersion }: InstanceSettings, version: string | null): rds.IInstanceEngine =>
  rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.of(version ?? String(majorVersion), String(majorVersion)) });

function placeParameterGroup(scope: Construct, { instance, own }: RdsPostgresProps): rds.IParameterGroup {
  if (own.parameterGroup !== null) return rds.ParameterGroup.fromParameterGroupName(scope, "ParameterGroup", own.parameterGroup);
  const { settings, maxConnections } = instance;
  const { max_connections: _written, ...others } = settings.parameters;
  return new rds.ParameterGroup(scope, "ParameterGroup", {
    engine: engineOf(settings, null),
    description: "PostgreSQL",
    parameters: {
      ...mapValues(others, (value, name) => toRdsValue(name, value, settings.majorVersion)),
      max_connections: maxConnectionsFormula(maxConnections, settings.size.memoryGib),
      "rds.force_ssl": "1",
    },
    removalPolicy: RETAIN,
  });
}

function placeSubnetGroup(scope: Construct, { vpc, subnets, own }: RdsPostgresProps): rds.ISubnetGroup {
  if (own.subnetGroup !== null) return rds.SubnetGroup.fromSubnetGroupName(scope, "SubnetGroup", own.subnetGroup);
  return new rds.SubnetGroup(scope, "SubnetGroup", {
    vpc,
    vpcSubnets: { subnets: [...subnets] },
    description: "PostgreSQL",
    removalPolicy: RETAIN,
  });
}

type Common = ReturnType<typeof createCommon>;

/** What the instance and its replicas have alike. */
function createCommon(scope: Construct, props: RdsPostgresProps, securityGroup: ec2.ISecurityGroup, key: kms.IKey) {
  const { settings } = props.instance;
  const performance = performanceOf(settings);
  return {
    vpc: props.vpc,
    subnetGroup: placeSubnetGroup(scope, props),
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    port: PORT,
    instanceType: new ec2.InstanceType((props.own.class ?? classOf(settings.size)?.name ?? "").slice("db.".length)),
    storageType: rds.StorageType.GP3,
    iops: performance?.iops,
    storageThroughput: performance?.throughputMibps,
    maxAllocatedStorage: settings.maxStorageGib ?? undefined,
    parameterGroup: placeParameterGroup(scope, props),
    caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
    iamAuthentication: settings.iamAuthentication,
    ...createMonitoring(scope, props, key),
    preferredMaintenanceWindow: settings.maintenanceWindow,
    autoMinorVersionUpgrade: props.own.version === null,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
    applyImmediately: props.applyImmediately,
  };
}

/** What is to be seen of a server: the system's metrics each minute, the load by query, and its log. */
function createMonitoring(scope: Construct, { logRetentionDays, own }: RdsPostgresProps, key: kms.IKey) {
  return {
    ...(own.monitoringIntervalSeconds === 0 ? {} : createEnhancedMonitoring(scope, own.monitoringIntervalSeconds)),
    databaseInsightsMode: rds.DatabaseInsightsMode.STANDARD,
    enablePerformanceInsights: true,
    performanceInsightEncryptionKey: key,
    cloudwatchLogsExports: ["postgresql", "upgrade"],
    cloudwatchLogsRetention: logRetentionDays as logs.RetentionDays,
  };
}

function createEnhancedMonitoring(scope: Construct, seconds: number) {
  const policy = iam.ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonRDSEnhancedMonitoringRole");
  const assumedBy = new iam.ServicePrincipal("monitoring.rds.amazonaws.com");
  return {
    monitoringInterval: Duration.seconds(seconds),
    monitoringRole: retain(new iam.Role(scope, "MonitoringRole", { assumedBy, managedPolicies: [policy] })),
  };
}

/** Sets what the L2 constructs omit if it is zero: without it, an update keeps the previous value. */
function complete(database: rds.DatabaseInstance | rds.DatabaseInstanceReadReplica, own: AwsInstance): rds.CfnDBInstance {
  const resource = database.node.defaultChild as rds.CfnDBInstance;
  if (own.monitoringIntervalSeconds === 0) resource.monitoringInterval = 0;
  return resource;
}

function createInstance(
  scope: Construct,
  { instance: { settings }, own }: RdsPostgresProps,
  common: Common,
  key: kms.IKey,
  master: string,
) {
  const password = SecretValue.secretsManager(master, { jsonField: "password" });
  const instance = new rds.DatabaseInstance(scope, "Instance", {
    ...common,
    engine: engineOf(settings, own.version),
    instanceIdentifier: own.identifier ?? undefined,
    // The major version changes only where the spec does.
    allowMajorVersionUpgrade: true,
    credentials: rds.Credentials.fromPassword(MASTER, password),
    allocatedStorage: settings.storageGib,
    // A key is what makes it encrypted.
    storageEncryptionKey: key,
    multiAz: settings.highAvailability,
    backupRetention: Duration.days(settings.backupRetentionDays),
    preferredBackupWindow: settings.backupWindow,
    removalPolicy: RETAIN,
  });
  const resource = complete(instance, own);
  // A replacement always keeps the old instance.
  if (own.finalSnapshot !== null)
    resource.cfnOptions.deletionPolicy = own.finalSnapshot ? CfnDeletionPolicy.SNAPSHOT : CfnDeletionPolicy.DELETE;
  if (settings.backupReplication !== null) {
    // The L2 has no properties for it.
    resource.automaticBackupReplicationRegion = settings.backupReplication.region;
    resource.automaticBackupReplicationKmsKeyId = settings.backupReplication.kmsKey ?? undefined;
    resource.automaticBackupReplicationRetentionPeriod = settings.backupRetentionDays;
  }
  return instance;
}

function createReplicas(scope: Construct, { instance: { settings }, own }: RdsPostgresProps, common: Common, source: rds.DatabaseInstance) {
  const numbers = Array.from({ length: settings.readReplicas }, (_, index) => index + 1);
  const replica = {
    // Encrypted with the source's key, as RDS has it: saying so is refused.
    ...common,
    sourceDatabaseInstance: source,
    // RDS does not resize a replica with its source, and refuses IOPS on a smaller disk. Without IOPS it gets its source's real size.
    allocatedStorage: performanceOf(settings) === null ? undefined : settings.storageGib,
    // A replica has no data that its source does not have: it can be removed, for a major upgrade or after a failure.
    removalPolicy: RemovalPolicy.DESTROY,
  };
  return numbers.map((number) => {
    const database = new rds.DatabaseInstanceReadReplica(scope, `Replica${number}`, replica);
    complete(database, own);
    return database;
  });
}
