import * as dns from "@pulumi/gcp/dns";
import * as secretmanager from "@pulumi/gcp/secretmanager";
import * as sql from "@pulumi/gcp/sql";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { InstanceSettings, MajorVersion } from "../model/instance";
import type { JsonObject } from "../model/json";
import type { Listener } from "../model/platform";
import { type CloudSqlPostgresArgs, environmentOf, placeOf, type ResolvedCloudSqlArgs, toCloudSqlArgs } from "./cloud-sql-args";
import { toIpConfiguration, toPrimarySettings, toSettings } from "./cloud-sql-settings";
import { DatabaseSecret } from "./database-secret";
import { hostName, masterSecretName, physicalName, readerHostName } from "./names";
import { checkProvider } from "./provider-version";

/** An instance's first replica. */
export interface PostgresReader extends Listener {
  /** `project:region:instance` for the Auth Proxy. */
  readonly connectionName: pulumi.Output<string>;
  /** Resources that must exist before anything connects to it. */
  readonly ready: readonly pulumi.Resource[];
}

/** A PostgreSQL server for platforms: created here, or existing. */
export interface Postgres {
  /** Name or address for direct connections; not a deploy-time value. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** PEM text of its certificate authority. */
  readonly ca: pulumi.Output<string>;
  /** `project:region:instance` for the Auth Proxy; null if the server is not Cloud SQL. */
  readonly connectionName: pulumi.Output<string> | null;
  /** Null if there is no replica. */
  readonly reader: PostgresReader | null;
  /** Full name of the secret with the master's user name and password. */
  readonly masterSecret: string;
  /** Resources that must exist before the master can log in. */
  readonly ready: readonly pulumi.Resource[];
}

/** A server and its place, which the names and places of platforms' databases follow. */
export interface PlacedPostgres extends Postgres {
  /** Name of the environment, and of the instance in it. */
  readonly environment: string;
  readonly instance: string;
  readonly project: string;
  readonly region: string;
  readonly encryptionKey: pulumi.Input<string> | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether this library created it, and rotates its master's password. */
  readonly isCreated: boolean;
  /** Acknowledged rules of the server, with reasons. */
  readonly acknowledge: Readonly<Record<string, string>>;
  /** Returns the section `gcp` of a spec for the server. */
  toSection(): JsonObject;
}

export interface ExistingCloudSqlArgs {
  /** An instance of this program, or one from `gcp.sql.DatabaseInstance.get`. */
  readonly instance: sql.DatabaseInstance;
  /** Name or address for platforms that connect directly; others connect through the Auth Proxy. */
  readonly host: string;
  /** Secret with the `username` and `password`, in JSON, of a login that may create roles and databases: `projects/P/secrets/NAME`. */
  readonly masterSecret: string;
  /** @defaultValue the stack's `gcp:project` */
  readonly project?: string;
  /** @defaultValue the stack's `gcp:region` */
  readonly region?: string;
  /** Name of the environment. The names of secrets contain it, and it marks the roles in the database. @defaultValue `<project>-<stack>` */
  readonly environment?: string;
  /** Cloud KMS key that encrypts the platforms' secrets. @defaultValue Google's */
  readonly encryptionKey?: pulumi.Input<string> | null;
  /** @defaultValue `{ environment }` */
  readonly labels?: Readonly<Record<string, string>>;
  /** The server's major version. @defaultValue `17` */
  readonly majorVersion?: MajorVersion;
  /** The server's `max_connections`, as `SHOW max_connections` prints it. @defaultValue `100` */
  readonly maxConnections?: number;
}

/** PostgreSQL's default port; Cloud SQL has no other. */
const PORT = 5432;
/** The login that provisions. Not `postgres`, which gets no password. */
const MASTER = "platform_admin";
/** Seconds to cache a name: a failover keeps the address, a replacement does not. */
const DNS_TTL = 60;
/**
 * Longer than any Cloud SQL operation. If a creation times out, the provider forgets the instance, which keeps running and is
 * billed. https://github.com/hashicorp/terraform-provider-google-beta/blob/93c65b2/google-beta/services/sql/resource_sql_database_instance.go#L1958
 */
const TIMEOUTS = { create: "6h", update: "6h", delete: "6h" };

/**
 * Cloud SQL for PostgreSQL at a private address: encrypted, protected from deletion, backed up, and with a DNS name.
 *
 * With `deletionProtection`, `protect` is set on the component, so that it also covers login and secret. All data of replicas is on the primary:
 * removing one from the spec deletes it.
 *
 * @throws UserError if the installed provider is too old; SpecError with all errors in `settings`.
 */
export class CloudSqlPostgres extends pulumi.ComponentResource implements PlacedPostgres {
  readonly environment: string;
  readonly instance: string;
  readonly project: string;
  readonly region: string;
  readonly encryptionKey: pulumi.Input<string> | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly isCreated = true;
  readonly acknowledge: Readonly<Record<string, string>>;
  private readonly args: ResolvedCloudSqlArgs;
  /** Its settings, complete. */
  readonly settings: InstanceSettings;
  /** The server's `max_connections`. */
  readonly maxConnections: number;
  readonly host: string;
  readonly port = PORT;
  readonly ca: pulumi.Output<string>;
  readonly connectionName: pulumi.Output<string>;
  readonly reader: PostgresReader | null;
  readonly masterSecret: string;
  readonly ready: readonly pulumi.Resource[];
  readonly primary: sql.DatabaseInstance;
  readonly replicas: readonly sql.DatabaseInstance[];

  constructor(name: string, given: CloudSqlPostgresArgs | ResolvedCloudSqlArgs, opts: pulumi.ComponentResourceOptions = {}) {
    checkProvider();
    const args = "maxConnections" in given ? given : toCloudSqlArgs(name, given);
    const settings = toSettings(args);
    // Everything in it waits for the component and its dependencies; the instance also declares them itself, for deletion.
    super(
      "platform-postgres:gcp:CloudSqlPostgres",
      name,
      {},
      { ...opts, protect: args.settings.deletionProtection, dependsOn: afterBoth(args.after, opts.dependsOn) },
    );
    ({
      environment: this.environment,
      instance: this.instance,
      project: this.project,
      region: this.region,
      encryptionKey: this.encryptionKey,
      labels: this.labels,
      settings: this.settings,
      maxConnections: this.maxConnections,
    } = args);
    this.acknowledge = args.acknowledge ?? {};
    this.args = args;
    this.host = hostName(args.environment, args.instance);
    const common = toCommon(args);
    const own = { parent: this, dependsOn: [...args.after], customTimeouts: TIMEOUTS };
    this.primary = new sql.DatabaseInstance(
      physicalName(args.environment, args.instance, null),
      {
        ...common,
        name: args.chosenName ?? undefined,
        deletionProtection: args.settings.deletionProtection,
        // Used only in a major upgrade, which Cloud SQL rejects unless it includes the replicas.
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
    this.ca = caOf(this.primary);
    const master = createMaster(this, args, this.primary);
    this.masterSecret = master.secret;
    this.ready = [master.version];
    const zone = createZone(this, args, this.host);
    createName(this, args, zone, null, this.host, this.primary);
    this.reader = createReader(this, args, zone, this.replicas);
    this.registerOutputs({ connectionName: this.connectionName, host: this.host });
  }

  /** An instance of Pulumi's own resource, or an existing one. Creates no resource. @param name of the instance in the environment. */
  static fromDatabaseInstance(name: string, args: ExistingCloudSqlArgs): PlacedPostgres {
    const { instance, host, masterSecret, environment = environmentOf(), majorVersion, maxConnections } = args;
    return {
      host,
      port: PORT,
      ca: caOf(instance),
      connectionName: instance.connectionName,
      reader: null,
      masterSecret,
      ready: [instance],
      environment,
      instance: name,
      ...placeOf(args),
      encryptionKey: args.encryptionKey ?? null,
      labels: args.labels ?? { environment },
      isCreated: false,
      acknowledge: {},
      // The CA and the connection name are deploy-time values: rules only check that they exist.
      toSection: () => ({
        instances: { [name]: { majorVersion, existing: { host, masterSecret, maxConnections, ca: "known only late" } } },
        existingConnections: { [name]: "known-late:europe-west4:instance" },
      }),
    };
  }

  toSection(): JsonObject {
    const { instance, edition, disk, serverCaPool, tier } = this.args;
    // A tier decides the size, so the two cannot be set together.
    const { size, ...others } = this.settings;
    const its = tier === null ? this.settings : { ...others, tier };
    return { edition, disk, serverCaPool, instances: { [instance]: its as unknown as JsonObject } };
  }
}

/** Joins the dependencies of an environment with those of a caller's options. */
const afterBoth = (after: readonly pulumi.Resource[], others: pulumi.ComponentResourceOptions["dependsOn"]) =>
  others === undefined
    ? [...after]
    : pulumi.output(others).apply((each) => [...after, ...[each as pulumi.Resource | pulumi.Resource[]].flat()]);

/** The provider marks certificates as secret, but the server shows them to every client. */
const caOf = ({ serverCaCerts }: sql.DatabaseInstance): pulumi.Output<string> =>
  pulumi.unsecret(serverCaCerts).apply((certificates) => certificates.map(({ cert }) => cert).join("\n"));

const toCommon = (args: ResolvedCloudSqlArgs) => ({
  project: args.project,
  region: args.region,
  databaseVersion: `POSTGRES_${args.settings.majorVersion}`,
  encryptionKeyName: args.encryptionKey ?? undefined,
});

function createReplicas(
  args: ResolvedCloudSqlArgs,
  primary: sql.DatabaseInstance,
  common: ReturnType<typeof toCommon> & { readonly settings: ReturnType<typeof toSettings> },
  opts: pulumi.CustomResourceOptions,
): readonly sql.DatabaseInstance[] {
  const host = readerHostName(args.environment, args.instance);
  const settings = { ...common.settings, deletionProtectionEnabled: false };
  const source = { masterInstanceName: primary.name, instanceType: "READ_REPLICA_INSTANCE" };
  return Array.from({ length: args.settings.readReplicas }, (_, index) => {
    const name = physicalName(args.environment, args.instance, index + 1);
    // The primary's upgrade includes them: a separate version would conflict with it.
    const own = { ...opts, protect: false, ignoreChanges: ["databaseVersion"] };
    const ipConfiguration = toIpConfiguration(args, index === 0 ? host : null);
    const its = { ...common, ...source, deletionProtection: false, settings: { ...settings, ipConfiguration } };
    return new sql.DatabaseInstance(name, its, own);
  });
}

/** Creates the master, with a password that is generated once; the program in the cluster rotates it. @returns its secret's full name, and version. */
function createMaster(parent: CloudSqlPostgres, args: ResolvedCloudSqlArgs, primary: sql.DatabaseInstance) {
  const name = masterSecretName(args.environment, args.instance);
  const generated = new random.RandomPassword(name, { length: 32, special: false }, { parent });
  const password = pulumi.secret(generated.result);
  const user = new sql.User(
    name,
    // A login that owns objects cannot be deleted: it is deleted with its instance.
    { project: args.project, instance: primary.name, name: MASTER, type: "BUILT_IN", password, deletionPolicy: "ABANDON" },
    // Rotation changes it outside Pulumi, and Cloud SQL shows no password.
    { parent, ignoreChanges: ["password"] },
  );
  const secret = new DatabaseSecret(name, { ...args, secretId: name }, { parent });
  const version = new secretmanager.SecretVersion(
    name,
    // A rotation adds versions after it, so it is not compared again.
    {
      secret: secret.resource.id,
      secretData: password.apply((text) => JSON.stringify({ username: MASTER, password: text })),
      deletionPolicy: "ABANDON",
    },
    { parent, dependsOn: [user], ignoreChanges: ["enabled", "secretData"] },
  );
  return { secret: secret.name, version };
}

/** Creates a private zone for the names of an instance, which is visible only in the network. */
function createZone(parent: CloudSqlPostgres, args: ResolvedCloudSqlArgs, host: string): dns.ManagedZone {
  return new dns.ManagedZone(
    physicalName(args.environment, args.instance, null),
    {
      project: args.project,
      dnsName: `${host}.`,
      description: `PostgreSQL ${args.instance} of ${args.environment}`,
      visibility: "private",
      privateVisibilityConfig: { networks: [{ networkUrl: pulumi.interpolate`https://www.googleapis.com/compute/v1/${args.network}` }] },
      labels: args.labels,
    },
    { parent },
  );
}

/** @param replica its number, or null for the primary. */
function createName(
  parent: CloudSqlPostgres,
  { project, environment, instance }: ResolvedCloudSqlArgs,
  zone: dns.ManagedZone,
  replica: number | null,
  host: string,
  { privateIpAddress }: sql.DatabaseInstance,
): dns.RecordSet {
  return new dns.RecordSet(
    physicalName(environment, instance, replica),
    { project, managedZone: zone.name, name: `${host}.`, type: "A", ttl: DNS_TTL, rrdatas: [privateIpAddress] },
    // It is deleted with its replica when you lower readReplicas.
    replica === null ? { parent } : { parent, protect: false },
  );
}

/** Independent of the platforms, which never change an instance. */
function createReader(
  parent: CloudSqlPostgres,
  args: ResolvedCloudSqlArgs,
  zone: dns.ManagedZone,
  [replica]: readonly sql.DatabaseInstance[],
): PostgresReader | null {
  if (replica === undefined) return null;
  const host = readerHostName(args.environment, args.instance);
  const name = createName(parent, args, zone, 1, host, replica);
  return { host, port: PORT, connectionName: replica.connectionName, ready: [replica, name] };
}
