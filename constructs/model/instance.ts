import { HOST, IPV4 } from "./address";
import type { Violation } from "./errors";
import {
  choice,
  dependent,
  type Elsewhere,
  flag,
  group,
  integer,
  list,
  map,
  nullable,
  quarters,
  type Settings,
  scalar,
  text,
  type Written,
} from "./fields";
import { isPlainObject } from "./json";
import { inAnyCase } from "./schema";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";

/** Versions that the PostgreSQL project still maintains. https://www.postgresql.org/support/versioning/ */
export const MAJOR_VERSIONS = [15, 16, 17, 18] as const;
export type MajorVersion = (typeof MAJOR_VERSIONS)[number];

/** The version of an instance that sets none. */
export const USUAL_MAJOR_VERSION = 17;

const RETIRED_VERSIONS: ReadonlyMap<unknown, string> = new Map(
  (
    [
      [14, "2026-11-12"],
      [13, "2025-11-13"],
      [12, "2024-11-21"],
      [11, "2023-11-09"],
      [10, "2022-11-10"],
    ] as const
  ).map(([version, date]) => [
    version,
    `PostgreSQL ${version} reached its end of life on ${date} and gets no security fixes; upgrade the server first, or restore a dump into a new one`,
  ]),
);

/** What is logged unless `parameters` changes it; PostgreSQL's own defaults log none of it. */
export const DEFAULT_PARAMETERS: Readonly<Record<string, string | number | boolean>> = {
  log_min_duration_statement: 1000,
  log_connections: "on",
  log_disconnections: "on",
  log_lock_waits: "on",
};

const DAY = `(${["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(inAnyCase).join("|")})`;
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]";

const CIDR = {
  pattern: new RegExp(`^(${IPV4}/(3[0-2]|[12]?[0-9])|(?=[0-9a-fA-F]*:)[0-9a-fA-F:]+/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))$`),
  form: "a CIDR block such as 10.0.0.0/16",
};

/** PostgreSQL's own ceiling, and a floor below which nothing works. https://www.postgresql.org/docs/17/runtime-config-connection.html#GUC-MAX-CONNECTIONS */
export const MAX_CONNECTIONS = { min: 10, max: 262143 } as const;

/** GiB, on any target. Autoscaling is on unless the spec sets null: up to five times the initial disk, within the limits of a volume. */
const VOLUME = { min: 10, max: 65536 } as const;
const DEFAULT_STORAGE_GROWTH = 5;

/** Characters of a certificate authority's PEM text: a cloud's bundle has a quarter of a megabyte. */
export const LONGEST_CA = 1_000_000;

const existing = {
  /** DNS name or address; it must be the name in the server's certificate. */
  host: text(HOST),
  /** TCP port. @defaultValue `5432` */
  port: integer({ min: 1, max: 65535, default: 5432 }),
  /**
   * PEM text of the certificate authority, or the path of a file with it, relative to the environment's file;
   * null if the target knows it (a cloud's own roots).
   *
   * @defaultValue `null`
   */
  ca: nullable(text({ pattern: /\S/, form: "PEM text or the path of a PEM file", longest: LONGEST_CA, lines: true })),
  /** Where the master's user name and password are: the ID in the secret store; locally, the path of a JSON file of mode 0600. */
  masterSecret: text({ pattern: /\S/, form: "the ID of a secret, or the path of a file on this machine" }),
  /** The server's `max_connections`. @defaultValue `100` */
  maxConnections: integer({ ...MAX_CONNECTIONS, default: 100 }),
};

/** PostgreSQL's configuration parameters, added to defaults. */
export const parametersBesides = (defaults: Readonly<Record<string, string | number | boolean>>) =>
  map(scalar(), { pattern: /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$/, form: "a parameter's name in lower case" }, defaults);

/** One PostgreSQL server with its standby and replicas. */
export const instanceFields = {
  /** PostgreSQL's major version. Lowering it replaces the database. @defaultValue `17` */
  majorVersion: choice(MAJOR_VERSIONS, USUAL_MAJOR_VERSION, RETIRED_VERSIONS),
  /** Virtual CPUs and memory in GiB; the target picks the class or tier. */
  size: group({
    /** Virtual CPUs. @defaultValue `2` */
    vcpus: integer({ min: 1, max: 192, default: 2 }),
    /** GiB, in steps of 0.25: Cloud SQL has sizes such as 3.75. @defaultValue `8` */
    memoryGib: quarters({ min: 1, max: 1536, default: 8 }),
  }),
  /** Initial disk in GiB: at least 10 on Cloud SQL and 20 on RDS. It never shrinks. @defaultValue `100` */
  storageGib: integer({ ...VOLUME, default: 100 }),
  /**
   * Ceiling of storage autoscaling, in GiB; null turns it off. The default is five times `storageGib`.
   *
   * @defaultValue five times `storageGib`
   */
  maxStorageGib: dependent(nullable(integer(VOLUME))),
  /** Provisioned disk operations per second; null leaves the volume's baseline. @defaultValue `null` */
  iops: nullable(integer({ min: 1000, max: 350000 })),
  /** Provisioned disk throughput in MiB/s; null leaves the volume's baseline. @defaultValue `null` */
  throughputMibps: nullable(integer({ min: 125, max: 8000 })),
  /** A standby in a second zone takes over when the first fails. @defaultValue `true` */
  highAvailability: flag(true),
  /** Copies that can be read, in the same region. @defaultValue `0` */
  readReplicas: integer({ min: 0, max: 15, default: 0 }),
  /** Days to keep automated backups, at most 35 on RDS; 0 turns them off. @defaultValue `7` */
  backupRetentionDays: integer({ min: 0, max: 365, default: 7 }),
  /** Allows recovery to any moment within the retention. @defaultValue `true` */
  pointInTimeRecovery: flag(true),
  /** Daily backup window, UTC. @defaultValue `"02:00-03:00"` */
  backupWindow: text({ pattern: new RegExp(`^${TIME}-${TIME}$`), form: "hh:mm-hh:mm (UTC)", default: "02:00-03:00" }),
  /**
   * Weekly maintenance window, UTC. Days in any case: `Mon` is `mon`.
   *
   * @defaultValue `"sun:04:00-sun:05:00"`
   */
  maintenanceWindow: text({
    // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html writes days as Mon.
    pattern: new RegExp(`^${DAY}:${TIME}-${DAY}:${TIME}$`),
    form: "ddd:hh:mm-ddd:hh:mm (UTC)",
    normal: (window) => window.toLowerCase(),
    default: "sun:04:00-sun:05:00",
  }),
  /**
   * A second region that receives the backups, and the encryption key there; null keeps them in the database's region. Cloud SQL instead
   * keeps them only in the region given here, or in a multi-region (`asia`, `eu`, `us`), which is its own default.
   *
   * @defaultValue `null`
   */
  backupReplication: nullable(
    group({
      /** The cloud's name of the region. */
      region: text({ pattern: /^[a-z]+((-[a-z]+)+-?[0-9]+)?$/, form: "a region" }),
      /** Key in that region: its ARN on AWS, null on Google Cloud. @defaultValue `null` */
      kmsKey: nullable(text({ pattern: /\S/, form: "a key's ID" })),
    }),
  ),
  /**
   * Prepares the instance for logins with a cloud identity. No login uses it until you create one: this project creates only logins with
   * passwords, for the platforms and for the master.
   *
   * @defaultValue `false`
   */
  iamAuthentication: flag(false),
  /** Prevents deletion of the instance. @defaultValue `true` */
  deletionProtection: flag(true),
  /**
   * PostgreSQL's configuration parameters, by PostgreSQL's names, on every target. They are added to the default logging parameters. Set
   * parameters of one cloud, such as `rds.logical_replication`, in its section: `aws.instances.main.parameters`.
   *
   * @defaultValue `DEFAULT_PARAMETERS`
   */
  parameters: parametersBesides(DEFAULT_PARAMETERS),
  /** Networks that may connect, as CIDR blocks. @defaultValue `[]` */
  allowedSources: list(text(CIDR)),
  /** An existing database: it is provisioned and wired, not created. @defaultValue `null` */
  existing: nullable(group(existing)),
};

export type InstanceSettings = Settings<typeof instanceFields>;
export type InstanceSpec = Written<typeof instanceFields>;

/** Bytes. */
export const GIB = 2 ** 30;

/** Returns the largest disk that can grow to a size: by at least 10 %. GiB. */
export const largestBefore = (sizeGib: number): number => Math.floor((sizeGib * 10) / 11);

/** RDS rejects a ceiling that is less than 10 % above the disk. */
export const hasRoomToGrow = (storageGib: number, maxStorageGib: number): boolean => storageGib <= largestBefore(maxStorageGib);

/** Fills in settings that depend on others. */
export function completeInstance(settings: InstanceSettings, written: unknown): InstanceSettings {
  if (isPlainObject(written) && written.maxStorageGib !== undefined) return settings;
  const maxStorageGib = ifReadable(() => {
    const ceiling = Math.min(settings.storageGib * DEFAULT_STORAGE_GROWTH, VOLUME.max);
    return hasRoomToGrow(settings.storageGib, ceiling) ? ceiling : null;
  }, UNREADABLE);
  return withSettings(settings, { maxStorageGib }) as InstanceSettings;
}

/** The rule about settings of an existing database that describe a new one. */
export const EXISTING_IS_NOT_CREATED = "existing-is-not-created";

/** The violation of that rule, in fields of every target and of one target. */
export const withoutEffect = (path: string): Violation => ({
  path,
  rule: "has no effect on an existing database",
  got: null,
  remedy: "",
  id: EXISTING_IS_NOT_CREATED,
});

/** Names of instance settings in other tools. */
export const INSTANCE_ELSEWHERE: Elsewhere = new Map([
  ...["tier", "class", "instanceclass", "dbinstanceclass", "instancetype", "machinetype"].map(
    (key) => [key, "write size: { vcpus, memoryGib }, from which the class or tier follows"] as const,
  ),
  ...["multiaz", "availabilitytype", "ha"].map((key) => [key, "use highAvailability"] as const),
  ...["engineversion", "databaseversion", "postgresversion", "version"].map((key) => [key, "use majorVersion"] as const),
  ...["allocatedstorage", "disksize", "storage"].map((key) => [key, "use storageGib"] as const),
  ...["maxallocatedstorage", "diskautoresizelimit"].map((key) => [key, "use maxStorageGib"] as const),
  ...["backupretentionperiod", "backupretention"].map((key) => [key, "use backupRetentionDays"] as const),
  ...["allowedcidrs", "allowedcidrblocks", "authorizednetworks"].map((key) => [key, "use allowedSources"] as const),
  ...["databaseflags", "flags", "parametergroup"].map((key) => [key, "use parameters"] as const),
  ...["masterusername", "masteruserpassword", "masterpassword", "username", "password", "rootpassword"].map(
    (key) => [key, "remove it; the target creates the master user and stores its password in the secret store"] as const,
  ),
  ...["publiclyaccessible", "public", "publicip", "publicaccess", "publicipaddress", "ipv4enabled", "assignpublicip"].map(
    (key) =>
      [
        key,
        "remove it: a database gets no public address, because anyone who scans the internet could then try passwords; allow networks with allowedSources, and connect people through a VPN or a tunnel (--via)",
      ] as const,
  ),
  ...["engine", "databaseengine"].map(
    (key) =>
      [
        key,
        "remove it: instances are PostgreSQL on RDS, Cloud SQL or this machine; to use your Aurora or AlloyDB cluster, set existing to its writer's address",
      ] as const,
  ),
  ...["optiongroup", "optiongroupname"].map(
    (key) => [key, "remove it: RDS for PostgreSQL offers no options to choose; use extensions and parameters instead"] as const,
  ),
  ...["storagetype", "volumetype", "disktype"].map(
    (key) =>
      [
        key,
        "remove it: on AWS every disk is gp3, which replaces gp2 at a lower price and without downtime; on Google Cloud, use gcp.disk",
      ] as const,
  ),
  ...["storageencrypted", "encrypted"].map((key) => [key, "remove it; databases are always encrypted"] as const),
  ...["managemasteruserpassword"].map((key) => [key, "remove it; the secret store creates and rotates the master's password"] as const),
  ...["skipfinalsnapshot", "finalsnapshotidentifier"].map((key) => [key, "on AWS write finalSnapshot into aws.instances"] as const),
  ...["database", "databases", "dbname", "databasename"].map(
    (key) => [key, "remove it; list the platforms under platforms, and each gets its own database"] as const,
  ),
]);

export const isMaxConnections = (value: number): boolean =>
  Number.isInteger(value) && value >= MAX_CONNECTIONS.min && value <= MAX_CONNECTIONS.max;

/** Returns `max_connections` as set in the spec, or null. */
export function writtenMaxConnections(settings: InstanceSettings): number | null {
  if (settings.existing !== null) return settings.existing.maxConnections;
  const written = settings.parameters.max_connections;
  return written === undefined ? null : Number(written);
}
