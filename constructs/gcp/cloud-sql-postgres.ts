import * as dns from "@pulumi/gcp/dns";
import * as secretmanager from "@pulumi/gcp/secretmanager";
import * as sql from "@pulumi/gcp/sql";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { InstanceSettings } from "../model/instance";
import type { Listener } from "../model/platform";
import { spanOf } from "../model/windows";
import { retentionOf } from "./backups";
import { DatabaseSecret } from "./database-secret";
import { IAM_FLAG, toFlagValue } from "./flags";
import { hostName, masterSecretName, physicalName, readerHostName } from "./names";
import { checkProvider } from "./provider-version";
import type { GcpSettings } from "./section";
import { seriesOf } from "./tiers";

/** An instance's first replica. */
export interface PostgresReader extends Listener {
  /** `project:region:instance` for the Auth Proxy. */
  readonly connectionName: pulumi.Output<string>;
  /** What must be there before anything connects to it. */
  readonly ready: readonly pulumi.Resource[];
}

/** A PostgreSQL server that platforms can be given: made here, or by somebody else. */
export interface Postgres {
  /** Name or address for those who connect directly; known when it is planned. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** PEM text of its certificate authority. */
  readonly ca: pulumi.Output<string>;
  /** `project:region:instance` for the Auth Proxy; null where it is no Cloud SQL. */
  readonly connectionName: pulumi.Output<string> | null;
  /** Null if there is no replica. */
  readonly reader: PostgresReader | null;
  /** Whole name of the secret with the master's user name and password. */
  readonly masterSecret: string;
  /** What must be there before the master can log in. */
  readonly ready: readonly pulumi.Resource[];
}

export interface CloudSqlPostgresArgs {
  /** Name of the environment, and of the instance in it. */
  readonly environment: string;
  readonly instance: string;
  readonly settings: InstanceSettings;
  readonly maxConnections: number;
  readonly project: string;
  readonly region: string;
  /** `projects/P/global/networks/NAME`. */
  readonly network: string;
  /** Name of the range that its address is taken from; null leaves the choice to Google. */
  readonly allocatedRange: string | null;
  /** Its tier, for a size that no other one of the edition and the disk has; null takes that of the size. */
  readonly tier: string | null;
  /** Zone of the primary; null leaves the choice to Google. */
  readonly zone: string | null;
  /** Its name in Cloud SQL; null takes one that is never taken. */
  readonly chosenName: string | null;
  readonly edition: GcpSettings["edition"];
  readonly disk: GcpSettings["disk"];
  /** Cloud KMS key that encrypts it, and its master's secret; null leaves that to Google's. */
  readonly encryptionKey: string | null;
  /** Pool that signs its certificate; null takes Google's authority for this instance. */
  readonly serverCaPool: string | null;
  /** Days without maintenance, as `yyyy-mm-dd`, or `mm-dd` for every year. */
  readonly denyMaintenance: { readonly from: string; readonly to: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What must be there first: the network's private services access. Nothing in an instance names it. */
  readonly after: readonly pulumi.Resource[];
}

/** PostgreSQL's own; Cloud SQL has no other. */
const PORT = 5432;
/** The login that provisions. Not `postgres`: that one stays without a password. */
const MASTER = "platform_admin";
/** Days for which the last backup is kept after an instance is deleted. */
const FINAL_BACKUP_DAYS = 30;
/** Query Insights: bytes of a query's text that are kept, and sampled plans a minute. */
const INSIGHTS = { queryStringLength: 4096, queryPlansPerMinute: 5 };
/** Seconds that a name is remembered for: a failover keeps the address, another instance does not. */
const DNS_TTL = 60;
/**
 * Longer than any operation of Cloud SQL. If the wait for a creation ends first, the provider forgets the instance, which runs and is
 * billed. https://github.com/hashicorp/terraform-provider-google-beta/blob/93c65b2/google-beta/services/sql/resource_sql_database_instance.go#L1958
 */
const TIMEOUTS = { create: "6h", update: "6h", delete: "6h" };

/**
 * Cloud SQL for PostgreSQL at a private address: encrypted, guarded against deletion, backed up, and with a name of its own.
 *
 * With `deletionProtection`, `protect` is set on the component, so that it covers login and secret, too. Replicas have no data that the
 * primary does not have: removing one from the spec deletes it.
 *
 * @throws UserError if the installed provider is too old.
 */
export class CloudSqlPostgres extends pulumi.ComponentResource implements Postgres {
  readonly host: string;
  readonly port = PORT;
  readonly ca: pulumi.Output<string>;
  readonly connectionName: pulumi.Output<string>;
  readonly reader: PostgresReader | null;
  readonly masterSecret: string;
  readonly ready: readonly pulumi.Resource[];
  readonly primary: sql.DatabaseInstance;
  readonly replicas: readonly sql.DatabaseInstance[];

  constructor(name: string, args: CloudSqlPostgresArgs, opts: pulumi.ComponentResourceOptions) {
    checkProvider();
    const settings = toSettings(args);
    // Everything in it waits for the component, and so for what that waits for; the instance says so itself, for the way back.
    super(
      "platform-postgres:gcp:CloudSqlPostgres",
      name,
      {},
      { ...opts, protect: args.settings.deletionProtection, dependsOn: [...args.after] },
    );
    this.host = hostName(args.environment, args.instance);
    const common = toCommon(args);
    const own = { parent: this, dependsOn: [...args.after], customTimeouts: TIMEOUTS };
    this.primary = new sql.DatabaseInstance(
      physicalName(args.environment, args.instance, null),
      {
        ...common,
        name: args.chosenName ?? undefined,
        deletionProtection: args.settings.deletionProtection,
        // Read only in a major upgrade, which Cloud SQL refuses while replicas are left behind.
        includeReplicasForMajorVersionUpgrade: true,
        settings: {
          ...settings,
          ...toPrimarySettings(args),
          deletionProtectionEnabled: args.settings.deletionProtection,
          ipConfiguration: toIpConfiguration(args, this.host),
        },
      },
      own,
    );
    this.replicas = createReplicas(args, this.primary, { ...common, settings }, own);
    this.connectionName = this.primary.connectionName;
    // The provider takes certificates for secrets, which they are not: whoever connects is shown them.
    this.ca = pulumi.unsecret(this.primary.serverCaCerts).apply((certificates) => certificates.map(({ cert }) => cert).join("\n"));
    const master = createMaster(this, args, this.primary);
    this.masterSecret = master.secret;
    this.ready = [master.version];
    const zone = createZone(this, args, this.host);
    createName(this, args, zone, null, this.host, this.primary);
    this.reader = createReader(this, args, zone, this.replicas);
    this.registerOutputs({ connectionName: this.connectionName, host: this.host });
  }
}

const toCommon = (args: CloudSqlPostgresArgs) => ({
  project: args.project,
  region: args.region,
  databaseVersion: `POSTGRES_${args.settings.majorVersion}`,
  encryptionKeyName: args.encryptionKey ?? undefined,
});

function createReplicas(
  args: CloudSqlPostgresArgs,
  primary: sql.DatabaseInstance,
  common: ReturnType<typeof toCommon> & { readonly settings: ReturnType<typeof toSettings> },
  opts: pulumi.CustomResourceOptions,
): readonly sql.DatabaseInstance[] {
  const host = readerHostName(args.environment, args.instance);
  const settings = { ...common.settings, deletionProtectionEnabled: false };
  const source = { masterInstanceName: primary.name, instanceType: "READ_REPLICA_INSTANCE" };
  return Array.from({ length: args.settings.readReplicas }, (_, index) => {
    const name = physicalName(args.environment, args.instance, index + 1);
    // The primary's upgrade upgrades them: their own version would race it.
    const own = { ...opts, protect: false, ignoreChanges: ["databaseVersion"] };
    const ipConfiguration = toIpConfiguration(args, index === 0 ? host : null);
    const its = { ...common, ...source, deletionProtection: false, settings: { ...settings, ipConfiguration } };
    return new sql.DatabaseInstance(name, its, own);
  });
}

/** What the primary and its replicas have alike. @throws TypeError where no tier has the size, which the target's rules refuse. */
function toSettings({ settings, maxConnections, ...args }: CloudSqlPostgresArgs) {
  const tier = args.tier ?? seriesOf(args).tier(settings.size);
  if (tier === null) throw new TypeError(`edition ${args.edition} with disk ${args.disk} has no tier of this size`);
  return {
    edition: args.edition,
    tier,
    diskType: args.disk,
    diskAutoresize: settings.maxStorageGib !== null,
    diskAutoresizeLimit: settings.maxStorageGib ?? undefined,
    dataDiskProvisionedIops: settings.iops ?? undefined,
    dataDiskProvisionedThroughput: settings.throughputMibps ?? undefined,
    databaseFlags: toFlags(settings, maxConnections),
    insightsConfig: { queryInsightsEnabled: true, recordApplicationTags: true, recordClientAddress: false, ...INSIGHTS },
    userLabels: args.labels,
  };
}

/** In the order of their names, so that a change shows what changed. */
function toFlags({ parameters, majorVersion, iamAuthentication }: InstanceSettings, maxConnections: number) {
  const own = {
    ...parameters,
    max_connections: maxConnections,
    ...(iamAuthentication ? { [IAM_FLAG]: true } : {}),
  };
  return Object.entries(own)
    .map(([name, value]) => ({ name, value: toFlagValue(name, value, majorVersion) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Cloud SQL counts days from Monday, as 1, and takes the hour that a window begins with. */
function toMaintenance({ maintenanceWindow }: InstanceSettings) {
  const hours = spanOf(maintenanceWindow).start / 60;
  return { day: Math.floor(hours / 24) + 1, hour: hours % 24, updateTrack: "stable" };
}

/** As Cloud SQL answers: `2026-1-5`. Any other form differs for ever. https://github.com/GoogleCloudPlatform/magic-modules/pull/11277 */
const toGoogleDate = (date: string): string => date.replaceAll(/(^|-)0/g, "$1");

/** What only a primary has: a size, a zone, a standby, times of maintenance, which replicas follow, backups, and a last one when it is deleted. */
function toPrimarySettings({ settings, edition, region, zone, denyMaintenance }: CloudSqlPostgresArgs) {
  const retention = retentionOf(settings, edition);
  return {
    // A replica is made as large as its primary is by then.
    diskSize: settings.storageGib,
    locationPreference: zone === null ? undefined : { zone },
    availabilityType: settings.highAvailability ? "REGIONAL" : "ZONAL",
    backupConfiguration:
      retention === null
        ? { enabled: false, pointInTimeRecoveryEnabled: false }
        : {
            enabled: true,
            startTime: settings.backupWindow.split("-")[0],
            location: settings.backupReplication?.region ?? region,
            pointInTimeRecoveryEnabled: settings.pointInTimeRecovery,
            transactionLogRetentionDays: settings.pointInTimeRecovery ? retention.logDays : undefined,
            backupRetentionSettings: { retainedBackups: retention.backups, retentionUnit: "COUNT" },
          },
    maintenanceWindow: toMaintenance(settings),
    denyMaintenancePeriod:
      denyMaintenance === null
        ? undefined
        : { startDate: toGoogleDate(denyMaintenance.from), endDate: toGoogleDate(denyMaintenance.to), time: "00:00:00" },
    finalBackupConfig: { enabled: true, retentionDays: FINAL_BACKUP_DAYS },
    retainBackupsOnDelete: true,
  };
}

/** A private address and TLS, always. @param host the name that a certificate of the customer's pool carries; null for none. */
function toIpConfiguration({ network, allocatedRange, serverCaPool }: CloudSqlPostgresArgs, host: string | null) {
  const names = serverCaPool === null || host === null ? undefined : [host];
  return {
    ipv4Enabled: false,
    privateNetwork: network,
    allocatedIpRange: allocatedRange ?? undefined,
    sslMode: "ENCRYPTED_ONLY",
    serverCaMode: serverCaPool === null ? "GOOGLE_MANAGED_INTERNAL_CA" : "CUSTOMER_MANAGED_CAS_CA",
    serverCaPool: serverCaPool ?? undefined,
    customSubjectAlternativeNames: names,
  };
}

/** The master, with a password that is made once; its rotation is the program's in the cluster. @returns its secret's whole name, and version. */
function createMaster(parent: CloudSqlPostgres, args: CloudSqlPostgresArgs, primary: sql.DatabaseInstance) {
  const name = masterSecretName(args.environment, args.instance);
  const generated = new random.RandomPassword(name, { length: 32, special: false }, { parent });
  const password = pulumi.secret(generated.result);
  const user = new sql.User(
    name,
    // A login that owns something cannot be deleted: it goes with its instance.
    { project: args.project, instance: primary.name, name: MASTER, type: "BUILT_IN", password, deletionPolicy: "ABANDON" },
    // Rotation changes it behind Pulumi's back, and Cloud SQL shows no password.
    { parent, ignoreChanges: ["password"] },
  );
  const secret = new DatabaseSecret(name, { ...args, secretId: name }, { parent });
  const version = new secretmanager.SecretVersion(
    name,
    // A rotation adds versions after it: it is not looked at again.
    {
      secret: secret.resource.id,
      secretData: password.apply((text) => JSON.stringify({ username: MASTER, password: text })),
      deletionPolicy: "ABANDON",
    },
    { parent, dependsOn: [user], ignoreChanges: ["enabled", "secretData"] },
  );
  return { secret: secret.name, version };
}

/** A private zone for the names of an instance, which nothing but the network sees. */
function createZone(parent: CloudSqlPostgres, args: CloudSqlPostgresArgs, host: string): dns.ManagedZone {
  return new dns.ManagedZone(
    physicalName(args.environment, args.instance, null),
    {
      project: args.project,
      dnsName: `${host}.`,
      description: `PostgreSQL ${args.instance} of ${args.environment}`,
      visibility: "private",
      privateVisibilityConfig: { networks: [{ networkUrl: `https://www.googleapis.com/compute/v1/${args.network}` }] },
      labels: args.labels,
    },
    { parent },
  );
}

/** @param replica its number, or null for the primary. */
function createName(
  parent: CloudSqlPostgres,
  { project, environment, instance }: CloudSqlPostgresArgs,
  zone: dns.ManagedZone,
  replica: number | null,
  host: string,
  { privateIpAddress }: sql.DatabaseInstance,
): dns.RecordSet {
  return new dns.RecordSet(
    physicalName(environment, instance, replica),
    { project, managedZone: zone.name, name: `${host}.`, type: "A", ttl: DNS_TTL, rrdatas: [privateIpAddress] },
    // It goes with its replica, which a smaller readReplicas deletes.
    replica === null ? { parent } : { parent, protect: false },
  );
}

/** Whatever the platforms: none of them changes anything of an instance. */
function createReader(
  parent: CloudSqlPostgres,
  args: CloudSqlPostgresArgs,
  zone: dns.ManagedZone,
  [replica]: readonly sql.DatabaseInstance[],
): PostgresReader | null {
  if (replica === undefined) return null;
  const host = readerHostName(args.environment, args.instance);
  const name = createName(parent, args, zone, 1, host, replica);
  return { host, port: PORT, connectionName: replica.connectionName, ready: [replica, name] };
}
