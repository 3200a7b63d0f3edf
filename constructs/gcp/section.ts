import { chartVersion, EXTERNAL_SECRETS, RELOADER } from "../kubernetes/operators";
import { choice, type Elsewhere, flag, group, id, integer, list, map, nullable, type Settings, text } from "../model/fields";
import { NAME } from "../model/names";
import { ownInstances } from "../model/own-instance";
import { AUTH_PROXY_VERSION } from "./auth-proxy";
import { sizeOfTier, TIER } from "./tier-names";

const REGION = { pattern: /^[a-z]+(-[a-z]+)+[0-9]+$/, form: "a region such as europe-west4" };
/** Older ones have a domain: `example.com:my-project`. https://cloud.google.com/resource-manager/docs/creating-managing-projects */
const PROJECT = "([a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?:)?[a-z][a-z0-9-]{4,28}[a-z0-9]";
const NETWORK_NAME = "[a-z]([a-z0-9-]{0,61}[a-z0-9])?";

/** `project:region:instance` for the Auth Proxy, which also starts with malformed names but connects to nothing. */
export const CONNECTION_NAME = {
  pattern: new RegExp(`^${PROJECT}:[a-z]+(-[a-z]+)+[0-9]+:[a-z][a-z0-9-]{0,96}[a-z0-9]$`),
  form: "an instance connection name (project:region:instance)",
};

const DATE = { pattern: /^(20\d\d-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, form: "a day (yyyy-mm-dd, or mm-dd for every year)" };

/** https://cloud.google.com/sql/docs/postgres/editions-intro */
export const EDITIONS = ["ENTERPRISE", "ENTERPRISE_PLUS"] as const;
/** https://cloud.google.com/sql/docs/postgres/storage-options-overview */
const DISKS = ["PD_SSD", "HYPERDISK_BALANCED"] as const;

const HARD_DISK = new Map([["PD_HDD", "use PD_SSD; hard disks are for data that is rarely read"]]);

/** Names in other tools for instance settings that are elsewhere, or do not exist here. */
const INSTANCE_ELSEWHERE: Elsewhere = new Map([
  ...["ipv4enabled", "publicip", "assignip", "authorizednetworks", "authorizednetwork"].map(
    (key) =>
      [
        key,
        "remove it; an instance has only a private address: connect from its network, or from outside through a VPN or a bastion host",
      ] as const,
  ),
  ...["sslmode", "requiressl"].map((key) => [key, "remove it; every instance rejects connections without TLS"] as const),
  ...["disktype", "storagetype"].map((key) => [key, "use gcp.disk"] as const),
  ["edition", "use gcp.edition"],
  ["locationpreference", "use gcp.instances.<name>.zone"],
]);

/** Settings of an instance that exist only on Google Cloud. */
const ownInstanceFields = {
  /**
   * Cloud SQL tier, instead of `size`: `db-custom-2-7680`, or a shared core for development, `db-f1-micro` or `db-g1-small`.
   * Changing it restarts the instance.
   *
   * @defaultValue the tier of `size`
   */
  tier: nullable(text(TIER)),
  /**
   * Zone of the primary, such as `europe-west4-a`; null lets Google choose. Changing it restarts the instance.
   *
   * @defaultValue `null`
   */
  zone: nullable(text({ pattern: /^[a-z]+(-[a-z]+)+[0-9]+-[a-z]$/, form: "a zone such as europe-west4-a" })),
  /**
   * Its name in Cloud SQL; null uses the environment's and the instance's name with a random suffix, which is always unique. Changing it
   * replaces the instance with an empty one.
   *
   * @defaultValue `null`
   */
  name: nullable(text({ pattern: /^[a-z]([a-z0-9-]{0,95}[a-z0-9])?$/, form: "1 to 97 of a-z, 0-9 and hyphens, starting with a letter" })),
};

/** https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity */
const SERVICE_ACCOUNTS = ["direct", "google"] as const;

/** Bits of the range of private services access. */
export const USUAL_PREFIX = 20;

/** Default days between rotations of a password. */
export const ROTATION_DAYS = 30;

/** Where an environment is on Google Cloud. IDs of existing resources may be placeholder IDs, which cannot be deployed. */
export const gcpFields = {
  /** Project to deploy to. */
  project: id({ pattern: new RegExp(`^${PROJECT}$`), form: "a project's ID" }),
  /** Its number, which the identities of pods contain: `gcloud projects describe PROJECT`. */
  projectNumber: id({ pattern: /^\d{6,20}$/, form: "a project's number" }),
  /** Cloud SQL region. */
  region: text(REGION),
  /**
   * Existing network of the cluster: its name, or for a shared network `projects/HOST/global/networks/NAME` or its self link.
   */
  network: id({
    pattern: new RegExp(
      `^((https://(www|compute)\\.googleapis\\.com/compute/(v1|beta)/)?projects/${PROJECT}/global/networks/)?${NETWORK_NAME}$`,
    ),
    form: "a network's name, projects/HOST/global/networks/NAME, or a network's self link",
  }),
  /** The network's private connection to Google's services. A network has only one, so only one environment may create it. */
  privateServicesAccess: group({
    /** Creates it; false uses the network's existing one. @defaultValue `true` */
    create: flag(true),
    /** Bits of the range's prefix: 20 means 4,096 addresses, which all regions and services share. @defaultValue `20` */
    prefixLength: integer({ min: 16, max: 24, default: USUAL_PREFIX }),
    /**
     * Name of an existing range for the addresses of instances; null lets Google choose.
     *
     * @defaultValue `null`
     */
    allocatedRange: nullable(text({ pattern: new RegExp(`^${NETWORK_NAME}$`), form: "a range's name" })),
  }),
  /**
   * Enables the required APIs in the project. Enable Cloud Resource Manager first:
   * `gcloud services enable cloudresourcemanager.googleapis.com`.
   *
   * @defaultValue `false`
   */
  enableApis: flag(false),
  /** Cloud SQL's edition. It decides the available sizes, and how far back recovery reaches. @defaultValue `"ENTERPRISE"` */
  edition: choice(EDITIONS, "ENTERPRISE"),
  /** Disk type. With the edition, it decides the machine series: N4 and C4A have Hyperdisk, the others SSD. @defaultValue `"PD_SSD"` */
  disk: choice(DISKS, "PD_SSD", HARD_DISK),
  /**
   * Cloud KMS key that encrypts the databases and their secrets; null uses Google's keys. Changing it replaces the databases.
   *
   * @defaultValue `null`
   */
  encryptionKey: nullable(
    id({
      pattern: new RegExp(`^projects/${PROJECT}/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}$`),
      form: "a key (projects/P/locations/L/keyRings/R/cryptoKeys/K)",
    }),
  ),
  /**
   * Certificate Authority Service pool that signs the servers' certificates. Only then do they contain the name that pods connect to, and TLS
   * is `verify-full`. Null uses Google's CA for each instance, and TLS is `verify-ca`.
   *
   * @defaultValue `null`
   */
  serverCaPool: nullable(
    id({
      pattern: new RegExp(`^projects/${PROJECT}/locations/[a-z0-9-]+/caPools/[A-Za-z0-9_-]{1,63}$`),
      form: "a CA pool (projects/P/locations/L/caPools/POOL)",
    }),
  ),
  /** Days without maintenance, at most 90: before an event, or (when acknowledged) every year. @defaultValue `null` */
  denyMaintenance: nullable(
    group({
      /** First day: yyyy-mm-dd, or mm-dd for every year. */
      from: text(DATE),
      /** Last day, in the same form. */
      to: text(DATE),
    }),
  ),
  /**
   * GKE cluster with Workload Identity for the platforms and for provisioning. Null deploys neither; `npm run render` writes files.
   *
   * Anyone who can create pods in the namespace `postgres-ENVIRONMENT` can become the databases' master. A role for all namespaces, such as
   * the one in Flyte's chart, includes that namespace, and every platform's Secret; `npm run plan` lists such roles. See `admissionPolicy`.
   * A principal of Workload Identity belongs to the project, not to one cluster: the same namespace and service account in another cluster
   * of the project are the same identity. Run clusters that you trust less in another project.
   *
   * @defaultValue `null`
   */
  cluster: nullable(
    group({
      /** Name of the cluster. */
      name: id({ pattern: /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, form: "a cluster's name" }),
      /** Region or zone. */
      location: text({ pattern: /^[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?$/, form: "a region or zone" }),
      /** Installs the platforms' Helm releases; otherwise `npm run render` writes files. @defaultValue `true` */
      installReleases: flag(true),
      /**
       * Installs External Secrets. Set it to true if the cluster has none. Setting it back to false leaves it in the cluster, without upgrades.
       *
       * @defaultValue `false`
       */
      installExternalSecrets: flag(false),
      /** Version of its chart: 0.20.2 or newer. @defaultValue `"2.9.0"` */
      externalSecretsVersion: chartVersion(EXTERNAL_SECRETS),
      /**
       * Installs Reloader, which restarts pods when a rotation has changed their Secret. Setting it back to false leaves it in the cluster.
       *
       * @defaultValue `false`
       */
      installReloader: flag(false),
      /** Version of its chart. @defaultValue `"2.2.16"` */
      reloaderVersion: chartVersion(RELOADER),
      /**
       * Google identity of the Auth Proxy. `direct` is the Kubernetes service account itself; `google` creates a Google service account
       * for each, as in all of Google's examples. Changing it restarts no database.
       *
       * @defaultValue `"direct"`
       */
      serviceAccounts: choice(SERVICE_ACCOUNTS, "direct"),
      /**
       * Creates a ValidatingAdmissionPolicy (Kubernetes 1.30 or newer): service accounts, such as Flyte's, create, change and delete no pods,
       * Jobs, Deployments, Secrets, ConfigMaps, service accounts and roles in the provisioning namespace, nor the namespace itself. It
       * prevents no reads, and protects no platform's Secret. These can bypass it: a service account that may delete policies, such as
       * flyte-core's flytepropeller; one that may impersonate users, or use `nodes/proxy`; and one that may request tokens in `kube-system`, or
       * create and read Secrets there, such as Flyte's. Deployments from within the cluster, such as Argo CD's, can then not change that
       * namespace either.
       *
       * @defaultValue `false`
       */
      admissionPolicy: flag(false),
    }),
  ),
  /**
   * Version of the Cloud SQL Auth Proxy in the pods of platforms and of provisioning: 2.16.0 or newer.
   *
   * @defaultValue `"2.28.0"`
   */
  authProxyVersion: text({
    pattern: /^2\.\d{1,4}\.\d{1,4}$/,
    form: `a version such as ${AUTH_PROXY_VERSION}`,
    default: AUTH_PROXY_VERSION,
  }),
  /** Notification channels that receive alerts. @defaultValue `[]` */
  notificationChannels: list(
    id({
      pattern: new RegExp(`^projects/(${PROJECT}|\\d{6,20})/notificationChannels/\\d+$`),
      form: "a channel (projects/P/notificationChannels/N)",
    }),
  ),
  /** Connection names of existing Cloud SQL instances, by instance: the Auth Proxy reaches only these. @defaultValue `{}` */
  existingConnections: map(id(CONNECTION_NAME), NAME),
  /** Days between rotations of a password. @defaultValue `30` */
  rotationDays: integer({ min: 1, max: 1000, default: ROTATION_DAYS }),
  /**
   * Settings that differ on Google Cloud, by the instance's name: any setting of `instances.<name>`, which wins here (`parameters` and `size`
   * are merged), and `tier`, `zone` and `name`. Other clouds ignore it, so `cloudsql.*` parameters and a region for `backupReplication` belong here.
   *
   * @defaultValue `{}`
   */
  instances: ownInstances(
    ownInstanceFields,
    { size: { from: "tier", value: ({ tier }) => (tier === null ? null : sizeOfTier(tier)) } },
    INSTANCE_ELSEWHERE,
  ),
};

/** Names of these settings in other tools. */
export const GCP_ELSEWHERE: Elsewhere = new Map([
  ...["projectid"].map((key) => [key, "use project"] as const),
  ...["privatenetwork", "vpc", "networkid"].map((key) => [key, "use network"] as const),
  ...["disktype", "storagetype"].map((key) => [key, "use disk"] as const),
  ...["kmskeyname", "encryptionkeyname", "kmskey"].map((key) => [key, "use encryptionKey"] as const),
  ...["tier", "zone"].map((key) => [key, `write it as gcp.instances.<name>.${key}`] as const),
  ...["databaseversion", "availabilitytype"].map((key) => [key, "write majorVersion and highAvailability into the instance"] as const),
  ...["ipv4enabled", "authorizednetworks", "sslmode", "requiressl"].map((key) => [key, INSTANCE_ELSEWHERE.get(key) ?? ""] as const),
]);

export type GcpSettings = Settings<typeof gcpFields>;
