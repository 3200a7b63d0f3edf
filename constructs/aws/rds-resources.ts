import { CfnDeletionPolicy, Duration, RemovalPolicy, SecretValue } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as kms from "aws-cdk-lib/aws-kms";
import type * as logs from "aws-cdk-lib/aws-logs";
import * as rds from "aws-cdk-lib/aws-rds";
import type { Construct } from "constructs";
import type { InstanceSettings } from "../model/instance";
import { mapValues } from "../model/json";
import { classOf, maxConnectionsFormula } from "./classes";
import { type AwsInstance, MASTER } from "./instance-fields";
import { toRdsValue } from "./parameters";
import type { RdsInstance } from "./rds-instance";
import { RETAIN, retain } from "./retain";
import { performanceOf } from "./storage";

/** PostgreSQL's default port, which all tools know. */
export const PORT = 5432;
/** Properties of a server's resources, without defaults. */
export interface RdsResourcesProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: readonly ec2.ISubnet[];
  readonly instance: RdsInstance;
  readonly clients: readonly ec2.ISecurityGroup[];
  readonly applyImmediately: boolean;
  readonly logRetentionDays: number;
}

/** Admits clients on one port, and allows no outbound connections. */
export function createSecurityGroup(scope: Construct, { vpc, clients, instance }: RdsResourcesProps): ec2.SecurityGroup {
  const group = retain(
    new ec2.SecurityGroup(scope, "SecurityGroup", { vpc, description: "PostgreSQL: who may connect", allowAllOutbound: false }),
  );
  for (const client of clients) group.addIngressRule(client, ec2.Port.tcp(PORT), "PostgreSQL");
  for (const source of instance.settings.allowedSources) group.addIngressRule(ec2.Peer.ipv4(source), ec2.Port.tcp(PORT), "PostgreSQL");
  return group;
}

/** Without a minor version, RDS uses its preferred one, and installs newer ones in the maintenance window. */
const engineOf = ({ majorVersion }: InstanceSettings, version: string | null): rds.IInstanceEngine =>
  rds.DatabaseInstanceEngine.postgres({ version: rds.PostgresEngineVersion.of(version ?? String(majorVersion), String(majorVersion)) });

function placeParameterGroup(scope: Construct, { instance }: RdsResourcesProps): rds.IParameterGroup {
  const { settings, maxConnections, own } = instance;
  if (own.parameterGroup !== null) return rds.ParameterGroup.fromParameterGroupName(scope, "ParameterGroup", own.parameterGroup);
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

function placeSubnetGroup(scope: Construct, { vpc, subnets, instance: { own } }: RdsResourcesProps): rds.ISubnetGroup {
  if (own.subnetGroup !== null) return rds.SubnetGroup.fromSubnetGroupName(scope, "SubnetGroup", own.subnetGroup);
  return new rds.SubnetGroup(scope, "SubnetGroup", {
    vpc,
    vpcSubnets: { subnets: [...subnets] },
    description: "PostgreSQL",
    removalPolicy: RETAIN,
  });
}

type Common = ReturnType<typeof createCommon>;

/** Creates the common properties of the instance and its replicas. */
export function createCommon(scope: Construct, props: RdsResourcesProps, securityGroup: ec2.ISecurityGroup, key: kms.IKey) {
  const { settings, own } = props.instance;
  const performance = performanceOf(settings);
  return {
    vpc: props.vpc,
    subnetGroup: placeSubnetGroup(scope, props),
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    port: PORT,
    instanceType: new ec2.InstanceType((own.class ?? classOf(settings.size)?.name ?? "").slice("db.".length)),
    storageType: rds.StorageType.GP3,
    iops: performance?.iops,
    storageThroughput: performance?.throughputMibps,
    maxAllocatedStorage: settings.maxStorageGib ?? undefined,
    parameterGroup: placeParameterGroup(scope, props),
    caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
    iamAuthentication: settings.iamAuthentication,
    ...createMonitoring(scope, props, key),
    preferredMaintenanceWindow: settings.maintenanceWindow,
    autoMinorVersionUpgrade: own.version === null,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
    applyImmediately: props.applyImmediately,
  };
}

/** Creates monitoring: operating system metrics each minute, load by query, and the log. */
function createMonitoring(scope: Construct, { logRetentionDays, instance: { own } }: RdsResourcesProps, key: kms.IKey) {
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
function setZeros(database: rds.DatabaseInstance | rds.DatabaseInstanceReadReplica, own: AwsInstance): rds.CfnDBInstance {
  const resource = database.node.defaultChild as rds.CfnDBInstance;
  if (own.monitoringIntervalSeconds === 0) resource.monitoringInterval = 0;
  return resource;
}

/** Name of the master user. */
export const masterOf = ({ restoredFrom }: Pick<AwsInstance, "restoredFrom">): string => restoredFrom?.masterUsername ?? MASTER;

/**
 * Sets where a restored instance's data comes from: the L2 construct has no properties for it. RDS takes neither a user's name nor a key beside it.
 *
 * The handler sets the password after it has restored, whatever cfn-lint's E3020 says, which is about replicas.
 * https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds (Translator.java, modifyDbInstanceAfterCreateRequest)
 */
function setSource(resource: rds.CfnDBInstance, { restoredFrom }: AwsInstance): void {
  if (restoredFrom === null) return;
  const { snapshot, instance, moment } = restoredFrom;
  resource.masterUsername = undefined;
  resource.dbSnapshotIdentifier = snapshot ?? undefined;
  resource.sourceDbInstanceIdentifier = instance ?? undefined;
  resource.restoreTime = moment ?? undefined;
  // Without either, RDS would create a read replica.
  resource.useLatestRestorableTime = instance !== null && moment === null ? true : undefined;
}

export function createInstance(
  scope: Construct,
  { instance: { settings, own } }: RdsResourcesProps,
  common: Common,
  key: kms.IKey,
  master: string,
) {
  const password = SecretValue.secretsManager(master, { jsonField: "password" });
  const instance = new rds.DatabaseInstance(scope, "Instance", {
    ...common,
    engine: engineOf(settings, own.version),
    instanceIdentifier: own.identifier ?? undefined,
    // The major version changes only with the spec.
    allowMajorVersionUpgrade: true,
    credentials: rds.Credentials.fromPassword(masterOf(own), password),
    allocatedStorage: settings.storageGib,
    // The key turns on encryption. A restored instance has its source's.
    storageEncryptionKey: own.restoredFrom === null ? key : undefined,
    multiAz: settings.highAvailability,
    backupRetention: Duration.days(settings.backupRetentionDays),
    preferredBackupWindow: settings.backupWindow,
    removalPolicy: RETAIN,
  });
  const resource = setZeros(instance, own);
  setSource(resource, own);
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

export function createReplicas(
  scope: Construct,
  { instance: { settings, own } }: RdsResourcesProps,
  common: Common,
  source: rds.DatabaseInstance,
) {
  const numbers = Array.from({ length: settings.readReplicas }, (_, index) => index + 1);
  const replica = {
    // RDS encrypts it with the source's key, and rejects an explicit key.
    ...common,
    sourceDatabaseInstance: source,
    // RDS does not resize a replica with its source, and rejects IOPS on a smaller disk. Without IOPS, it gets its source's real size.
    allocatedStorage: performanceOf(settings) === null ? undefined : settings.storageGib,
    // All data of a replica is also on its source: it can be removed, for a major upgrade or after a failure.
    removalPolicy: RemovalPolicy.DESTROY,
  };
  return numbers.map((number) => {
    const database = new rds.DatabaseInstanceReadReplica(scope, `Replica${number}`, replica);
    setZeros(database, own);
    return database;
  });
}
