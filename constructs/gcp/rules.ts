import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import type { InstanceSettings } from "../model/instance";
import { mapValues } from "../model/json";
import { isCheckedEverywhere } from "../model/rules";
import { suggest } from "../model/suggest";
import { type Advice, created, type InstanceRule, type WholeRule } from "../model/target";
import { minutesOf, spanOf } from "../model/windows";
import { LOG_DAYS } from "./backups";
import { checkFlag, doubtFlag } from "./flags";
import { physicalName } from "./names";
import { REGIONS } from "./regions";
import type { GcpSettings, gcpFields } from "./section";
import { HYPERDISK_FLOOR, seriesOf } from "./tiers";

const GUIDE = "https://cloud.google.com/sql/docs/postgres";
const READ = "2026-11-21";

/** Replicas that one primary may have. https://cloud.google.com/sql/docs/postgres/replication */
const MOST_REPLICAS = 10;

const EXISTING = { host: "10.1.2.3", ca: "-----BEGIN CERTIFICATE-----", masterSecret: "postgres-master" };

/** What Cloud SQL refuses only when it is deployed, or never. */
export const gcpRules: readonly InstanceRule[] = [
  created({
    id: "gcp-standbys-need-recovery",
    source: `${GUIDE}/high-availability`,
    date: READ,
    severity: "error",
    check: ({ highAvailability, ...backups }, path) => (highAvailability ? needsRecovery(backups, path, "highAvailability") : []),
    passing: { highAvailability: true },
    failing: { highAvailability: true, pointInTimeRecovery: false },
  }),
  created({
    id: "gcp-replicas-need-recovery",
    source: `${GUIDE}/replication/create-replica`,
    date: READ,
    severity: "error",
    // A standby asks for the same, and is told once.
    check: ({ readReplicas, highAvailability, ...backups }, path) =>
      readReplicas > 0 && !highAvailability ? needsRecovery(backups, path, "readReplicas") : [],
    passing: { readReplicas: 1, highAvailability: false },
    failing: { readReplicas: 1, highAvailability: false, pointInTimeRecovery: false },
  }),
  created({
    id: "gcp-ten-replicas",
    source: `${GUIDE}/replication`,
    date: READ,
    severity: "error",
    check: ({ readReplicas }, path) =>
      readReplicas > MOST_REPLICAS
        ? [violation(`${path}.readReplicas`, `must be at most ${MOST_REPLICAS}, what one primary may have`, readReplicas)]
        : [],
    passing: { readReplicas: 10 },
    failing: { readReplicas: 11 },
  }),
  created({
    id: "gcp-maintenance-is-an-hour",
    source: `${GUIDE}/set-maintenance-window`,
    date: READ,
    severity: "error",
    check: ({ maintenanceWindow }, path) =>
      minutesOf(maintenanceWindow) >= 60 && spanOf(maintenanceWindow).start % 60 === 0
        ? []
        : [
            violation(
              `${path}.maintenanceWindow`,
              "must begin on the hour and last an hour at least, the first of which Cloud SQL takes",
              maintenanceWindow,
            ),
          ],
    passing: { maintenanceWindow: "sat:23:00-sun:00:00" },
    failing: { maintenanceWindow: "sat:04:30-sat:05:30" },
  }),
  created({
    id: "gcp-backups-are-kept-elsewhere-with-the-same-key",
    source: `${GUIDE}/backup-recovery/backups`,
    date: READ,
    severity: "error",
    check: ({ backupReplication, backupRetentionDays }, path) => {
      if (backupReplication === null) return [];
      const { region, kmsKey } = backupReplication;
      const at = `${path}.backupReplication`;
      if (!REGIONS.includes(region)) return [violation(`${at}.region`, "must be a region of Cloud SQL", region, suggest(region, REGIONS))];
      if (kmsKey !== null)
        return [violation(`${at}.kmsKey`, "must be null on Cloud SQL, which encrypts backups with the database's own key", kmsKey)];
      return backupRetentionDays === 0
        ? [violation(`${at}.region`, "needs backups to keep there", region, "set backupRetentionDays to 1 or more")]
        : [];
    },
    passing: { backupReplication: { region: "europe-west1" } },
    failing: { backupReplication: { region: "europe-west1", kmsKey: "key" } },
  }),
  created({
    id: "gcp-flags-are-known",
    source: `${GUIDE}/flags`,
    date: READ,
    severity: "error",
    check: (instance, path) => checkFlags(instance, path, checkFlag),
    passing: { parameters: { work_mem: "16MB", "cloudsql.logical_decoding": "on" } },
    failing: { parameters: { wrok_mem: "16MB" } },
  }),
  created({
    id: "gcp-flags-are-in-the-list",
    source: `${GUIDE}/flags`,
    date: READ,
    severity: "acknowledge",
    check: (instance, path) => checkFlags(instance, path, (name, _value, majorVersion) => doubtFlag(name, majorVersion)),
    passing: { parameters: { random_page_cost: 1.1 } },
    failing: { parameters: { wal_level: "logical" } },
  }),
  created({
    id: "gcp-network-lets-in",
    source: `${GUIDE}/private-ip`,
    date: READ,
    severity: "warning",
    check: ({ allowedSources }, path) =>
      allowedSources.length === 0
        ? []
        : [
            {
              path: `${path}.allowedSources`,
              rule: "has no effect on Cloud SQL: at a private address it is reached by its whole network, and only over TLS",
              got: null,
              remedy: "limit it with egress rules of the network's firewall",
            },
          ],
    passing: {},
    failing: { allowedSources: ["10.0.0.0/16"] },
  }),
  {
    id: "gcp-existing-master-secret",
    source: "https://cloud.google.com/secret-manager/docs/creating-and-accessing-secrets",
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing === null || /^(projects\/[a-z0-9-]+\/secrets\/)?[A-Za-z0-9_-]{1,255}$/.test(existing.masterSecret)
        ? []
        : [
            violation(
              `${path}.existing.masterSecret`,
              "must name a secret of Secret Manager (NAME, or projects/PROJECT/secrets/NAME)",
              existing.masterSecret,
            ),
          ],
    passing: { existing: EXISTING },
    failing: { existing: { ...EXISTING, masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master" } },
  },
  {
    id: "gcp-existing-needs-a-ca",
    source: `${GUIDE}/configure-ssl-instance`,
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing !== null && existing.ca === null
        ? [
            violation(
              `${path}.existing.ca`,
              "is required: each instance of Cloud SQL has a certificate authority of its own",
              null,
              "gcloud sql instances describe NAME --format 'value(serverCaCert.cert)' tells it",
            ),
          ]
        : [],
    passing: { existing: EXISTING },
    failing: { existing: { host: EXISTING.host, masterSecret: EXISTING.masterSecret } },
  },
];

function needsRecovery(
  { backupRetentionDays, pointInTimeRecovery }: Pick<InstanceSettings, "backupRetentionDays" | "pointInTimeRecovery">,
  path: string,
  because: string,
): readonly Violation[] {
  if (backupRetentionDays === 0)
    return [violation(`${path}.backupRetentionDays`, `must be at least 1 with ${because} on Cloud SQL`, 0, "keep backups, or turn it off")];
  if (pointInTimeRecovery) return [];
  return [violation(`${path}.pointInTimeRecovery`, `must be true with ${because} on Cloud SQL`, false, "turn it on, or the other off")];
}

type FlagCheck = (name: string, value: string | number | boolean, majorVersion: InstanceSettings["majorVersion"]) => Advice | null;

/** What holds everywhere is told once, by the rules that do. */
function checkFlags({ parameters, majorVersion }: InstanceSettings, path: string, check: FlagCheck): readonly Violation[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const advice = isCheckedEverywhere(name) ? null : check(name, value, majorVersion);
    return advice === null ? [] : [violation(`${path}.parameters.${name}`, advice.rule, value, advice.remedy)];
  });
}

/** A rule about the section and each instance that is to be made. */
const each = (check: (section: GcpSettings, instance: InstanceSettings, path: string) => readonly Violation[]): GcpRule["check"] =>
  function checkEach({ section, instances }) {
    const made = Object.entries(instances).filter(([, { existing }]) => existing === null);
    return made.flatMap(([name, instance]) => check(section, instance, `instances.${name}`));
  };

type GcpRule = WholeRule<typeof gcpFields>;

const SECTION = { project: "my-project", projectNumber: "123456789012", region: "europe-west4", network: "default" };
const KEY = "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres";
const CLUSTER = { name: "ml", location: "europe-west4" };

/** About the section, alone or together with instances. */
export const gcpWholeRules: readonly GcpRule[] = [
  {
    id: "gcp-region-of-cloud-sql",
    source: `${GUIDE}/instance-settings`,
    date: READ,
    severity: "error",
    check: ({ section: { region } }) =>
      REGIONS.includes(region) ? [] : [violation("gcp.region", "must be a region of Cloud SQL", region, suggest(region, REGIONS))],
    passing: { section: SECTION },
    failing: { section: { ...SECTION, region: "europe-wets4" } },
  },
  {
    id: "gcp-size-has-a-tier",
    source: `${GUIDE}/machine-series-overview`,
    date: READ,
    severity: "error",
    check: each((section, { size }, path) => {
      const series = seriesOf(section);
      if (series.tier(size) !== null) return [];
      const { vcpus, memoryGib } = series.near(size);
      const rule = `must be a size of edition ${section.edition} with disk ${section.disk} (${series.name}: ${series.sizes})`;
      const got = `${size.vcpus} vCPUs and ${size.memoryGib} GiB`;
      return [violation(`${path}.size`, rule, got, `the nearest is { vcpus: ${vcpus}, memoryGib: ${memoryGib} }`)];
    }),
    passing: { section: { ...SECTION, edition: "ENTERPRISE_PLUS" }, instances: { at: { size: { vcpus: 2, memoryGib: 16 } } } },
    failing: { section: { ...SECTION, edition: "ENTERPRISE_PLUS" }, instances: { at: { size: { vcpus: 2, memoryGib: 8 } } } },
  },
  {
    id: "gcp-only-hyperdisk-is-provisioned",
    source: `${GUIDE}/storage-options-overview`,
    date: READ,
    severity: "error",
    check: each(checkPerformance),
    passing: { section: { ...SECTION, disk: "HYPERDISK_BALANCED" }, instances: { at: { iops: 15000, throughputMibps: 240 } } },
    failing: { section: SECTION, instances: { at: { iops: 12000 } } },
  },
  {
    id: "gcp-recovery-reaches-as-far-as-logs",
    source: `${GUIDE}/backup-recovery/pitr`,
    date: READ,
    severity: "warning",
    check: each(({ edition }, { pointInTimeRecovery, backupRetentionDays }, path) =>
      pointInTimeRecovery && backupRetentionDays > LOG_DAYS[edition]
        ? [
            violation(
              `${path}.pointInTimeRecovery`,
              `reaches ${LOG_DAYS[edition]} days back with edition ${edition}; beyond it there are daily backups`,
              true,
            ),
          ]
        : [],
    ),
    passing: { section: SECTION, instances: { at: { backupRetentionDays: 7 } } },
    failing: { section: SECTION, instances: { at: { backupRetentionDays: 14 } } },
  },
  {
    id: "gcp-key-is-in-the-region",
    source: `${GUIDE}/cmek`,
    date: READ,
    severity: "error",
    check: ({ section: { encryptionKey, region }, instances }) => {
      if (encryptionKey === null) return [];
      const location = idOf(encryptionKey).split("/")[3];
      if (location !== region)
        return [violation("gcp.encryptionKey", `must be a key of ${region}, as the databases are`, idOf(encryptionKey))];
      const copied = Object.entries(instances).filter(([, { backupReplication }]) => backupReplication !== null);
      return copied.map(([name]) =>
        violation(
          `instances.${name}.backupReplication`,
          "must be null with gcp.encryptionKey, which no other region has",
          {},
          "remove one of the two",
        ),
      );
    },
    passing: { section: { ...SECTION, encryptionKey: KEY } },
    failing: {
      section: { ...SECTION, encryptionKey: KEY },
      instances: { at: { backupReplication: { region: "europe-west1" } } },
    },
  },
  {
    id: "gcp-ca-pool-is-in-the-region",
    source: `${GUIDE}/customer-managed-ca`,
    date: READ,
    severity: "error",
    check: ({ section: { serverCaPool, region } }) =>
      serverCaPool === null || idOf(serverCaPool).split("/")[3] === region
        ? []
        : [violation("gcp.serverCaPool", `must be a pool of ${region}, as the databases are`, idOf(serverCaPool))],
    passing: { section: { ...SECTION, serverCaPool: "projects/my-project/locations/europe-west4/caPools/db" } },
    failing: { section: { ...SECTION, serverCaPool: "projects/my-project/locations/europe-west1/caPools/db" } },
  },
  {
    id: "gcp-deny-period-ends",
    source: `${GUIDE}/maintenance`,
    date: READ,
    severity: "error",
    check: ({ section: { denyMaintenance } }) => {
      if (denyMaintenance === null) return [];
      const { from, to } = denyMaintenance;
      if (from.length !== to.length)
        return [violation("gcp.denyMaintenance.to", "must have a year where the other day has one, and none where it has none", to)];
      const days = daysBetween(from, to);
      return days !== null && days >= 1 && days <= MOST_DENIED_DAYS
        ? []
        : [violation("gcp.denyMaintenance.to", `must be 1 to ${MOST_DENIED_DAYS} days after ${from}`, to)];
    },
    passing: { section: { ...SECTION, denyMaintenance: { from: "2026-11-20", to: "2027-01-05" } } },
    failing: { section: { ...SECTION, denyMaintenance: { from: "2026-11-01", to: "2027-02-15" } } },
  },
  {
    id: "gcp-denied-days-have-a-year",
    source: "https://github.com/hashicorp/terraform-provider-google/issues/29169",
    date: "2026-11-30",
    severity: "acknowledge",
    check: ({ section: { denyMaintenance } }) =>
      denyMaintenance === null || denyMaintenance.from.length !== "mm-dd".length
        ? []
        : [
            violation(
              "gcp.denyMaintenance.from",
              "must have a year: with days of every year each pulumi up updates the instance again",
              denyMaintenance.from,
              "write yyyy-mm-dd in both fields, and change them once a year",
            ),
          ],
    passing: { section: { ...SECTION, denyMaintenance: { from: "2026-11-20", to: "2027-01-05" } } },
    failing: { section: { ...SECTION, denyMaintenance: { from: "11-20", to: "01-05" } } },
  },
  {
    id: "gcp-names-fit",
    source: `${GUIDE}/instance-settings`,
    date: READ,
    severity: "error",
    check: ({ name: environment, section: { project }, instances }) =>
      Object.entries(instances).flatMap(([name, { readReplicas, existing }]) => {
        if (existing !== null) return [];
        const own = physicalName(environment, name, null).length + SUFFIX_LENGTH;
        const longest = physicalName(environment, name, readReplicas === 0 ? null : readReplicas).length + SUFFIX_LENGTH;
        const excess = Math.max(`${idOf(project)}:`.length + longest - LONGEST_NAME, own - LONGEST_ZONE);
        const rule = `name must be ${excess} letters shorter: with the environment's it makes names of Cloud SQL and Cloud DNS`;
        return excess <= 0 ? [] : [violation(`instances.${name}`, rule, name)];
      }),
    passing: { name: "production", section: SECTION, instances: { at: {} } },
    failing: {
      name: "an-environment-of-thirty-letter",
      section: { ...SECTION, project: "a-project-of-thirty-letters-xx" },
      instances: { "at-an-instance-of-thirty-lettr": { readReplicas: 1 } },
    },
  },
  {
    id: "gcp-allocated-range-is-there",
    source: `${GUIDE}/configure-private-services-access`,
    date: READ,
    severity: "error",
    check: ({ section: { privateServicesAccess } }) =>
      privateServicesAccess.create && privateServicesAccess.allocatedRange !== null
        ? [
            violation(
              "gcp.privateServicesAccess.allocatedRange",
              "must be null with create: the peering that is made has a range of its own",
              privateServicesAccess.allocatedRange,
              "remove it, or set create to false",
            ),
          ]
        : [],
    passing: { section: { ...SECTION, privateServicesAccess: { create: false, allocatedRange: "databases" } } },
    failing: { section: { ...SECTION, privateServicesAccess: { allocatedRange: "databases" } } },
  },
  {
    id: "gcp-labels-have-no-dots",
    source: "https://cloud.google.com/resource-manager/docs/labels-overview",
    date: READ,
    severity: "error",
    check: ({ labels, owner }) => [
      ...Object.entries(labels).flatMap(([key, value]) =>
        LABEL.test(value) ? [] : [violation(`labels.${key}`, "must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud", value)],
      ),
      ...(owner === null || LABEL.test(owner)
        ? []
        : [violation("owner", "must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, where it is a label", owner)]),
    ],
    passing: { section: SECTION, labels: { stage: "test" }, owner: "ml-platform" },
    failing: { section: SECTION, labels: { version: "1.2" } },
  },
  {
    id: "gcp-existing-connections-are-existing",
    source: `${GUIDE}/connect-auth-proxy`,
    date: READ,
    severity: "error",
    check: ({ section: { existingConnections }, instances }) =>
      Object.keys(existingConnections).flatMap((name) =>
        instances[name]?.existing == null
          ? [violation(`gcp.existingConnections.${name}`, "must name an instance that has existing", name)]
          : [],
      ),
    passing: {
      section: { ...SECTION, existingConnections: { at: "my-project:europe-west4:db" } },
      instances: { at: { existing: EXISTING } },
    },
    failing: { section: { ...SECTION, existingConnections: { at: "my-project:europe-west4:db" } }, instances: { at: {} } },
  },
  {
    id: "gcp-operators-come-with-releases",
    source: "https://external-secrets.io/latest/provider/google-secrets-manager/",
    date: READ,
    severity: "error",
    check: ({ section: { cluster } }) => {
      if (cluster === null || cluster.installReleases) return [];
      const fields = (["installExternalSecrets", "installReloader"] as const).filter((field) => cluster[field]);
      return fields.map((field) => violation(`gcp.cluster.${field}`, "must be false without installReleases", true));
    },
    passing: { section: { ...SECTION, cluster: { ...CLUSTER, installExternalSecrets: true } } },
    failing: { section: { ...SECTION, cluster: { ...CLUSTER, installReleases: false, installReloader: true } } },
  },
];

/** Cloud SQL's most days. */
const MOST_DENIED_DAYS = 90;
/** `project:instance` together. */
const LONGEST_NAME = 98;
/** A zone's name. https://cloud.google.com/dns/docs/reference/rest/v1/managedZones */
const LONGEST_ZONE = 63;
/** What Pulumi adds to a name, so that it is free: a name is blocked for a week after it was deleted. */
const SUFFIX_LENGTH = "-1a2b3c4".length;

const LABEL = /^[a-z0-9_-]{1,63}$/;

/** Days from one day to another, of the next year where no year is said and it is earlier; null where there is no such day. */
function daysBetween(from: string, to: string): number | null {
  const year = from.length === "mm-dd".length ? "2025-" : "";
  const [start, end] = [Date.parse(`${year}${from}`), Date.parse(`${year}${to}`)];
  if (Number.isNaN(start) || Number.isNaN(end)) return null;
  const days = (end - start) / 86_400_000;
  return year !== "" && days < 0 ? days + 365 : days;
}

function checkPerformance(section: GcpSettings, { size, iops, throughputMibps, highAvailability }: InstanceSettings, path: string) {
  const chosen = { iops, throughputMibps };
  const most = seriesOf(section).performance(size.vcpus, highAvailability);
  const bounds = most && { iops: [HYPERDISK_FLOOR.iops, most.iops], throughputMibps: [HYPERDISK_FLOOR.throughput, most.throughput] };
  return Object.values(
    mapValues(chosen, (value, field) => {
      if (value === null) return null;
      const [min = 0, max = 0] = bounds?.[field as keyof typeof chosen] ?? [];
      if (bounds === null)
        return violation(
          `${path}.${field}`,
          `cannot be chosen on ${section.disk}`,
          value,
          'remove it, or set gcp.disk to "HYPERDISK_BALANCED"',
        );
      return value >= min && value <= max
        ? null
        : violation(
            `${path}.${field}`,
            `must be from ${min} to ${max} with ${size.vcpus} vCPUs and highAvailability: ${highAvailability}`,
            value,
          );
    }),
  ).filter((found) => found !== null);
}
