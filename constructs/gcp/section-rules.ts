import { unusedOperators } from "../kubernetes/operators";
import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import type { InstanceSettings } from "../model/instance";
import { ownEntry } from "../model/json";
import { checkEach, checkItems } from "../model/rule";
import { suggestRegion } from "../model/suggest";
import type { WholeRule } from "../model/target";
import { ifReadable } from "../model/unreadable";
import { LOG_DAYS } from "./backups";
import { physicalName } from "./names";
import { REGIONS } from "./regions";
import { CHECKED, EXISTING, GUIDE, READ } from "./rules";
import type { GcpSettings, gcpFields } from "./section";

/** Checks the section with each created instance. */
export const each =
  (check: (section: GcpSettings, instance: InstanceSettings, path: string) => readonly Violation[]): GcpRule["check"] =>
  ({ section, instances }) =>
    checkEach(instances, (instance, name) => (instance.existing === null ? check(section, instance, `instances.${name}`) : []));

type GcpRule = WholeRule<typeof gcpFields>;

export const SECTION = { project: "my-project", projectNumber: "123456789012", region: "europe-west4", network: "default" };
const KEY = "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres";
export const CLUSTER = { name: "ml", location: "europe-west4" };

/** Whether a key or a pool is outside a region; false if Cloud SQL has no such region, which is reported once. */
const isElsewhere = (resource: string, region: string): boolean => REGIONS.includes(region) && resource.split("/")[3] !== region;

/** Rules about the section, alone or together with instances. */
export const gcpWholeRules: readonly GcpRule[] = [
  {
    id: "gcp-region-of-cloud-sql",
    source: `${GUIDE}/instance-settings`,
    why: "Cloud SQL rejects an unknown region, after the network's peering has been created.",
    date: READ,
    severity: "error",
    check: ({ section: { region } }) =>
      REGIONS.includes(region) ? [] : [violation("gcp.region", "must be a Cloud SQL region", region, suggestRegion(region, REGIONS))],
    passing: { section: SECTION },
    failing: { section: { ...SECTION, region: "europe-wets4" } },
  },
  {
    id: "gcp-recovery-reaches-as-far-as-logs",
    source: `${GUIDE}/backup-recovery/pitr`,
    why: "Logs are kept for fewer days than backups, so older data can be recovered to only one point in time per day.",
    date: READ,
    severity: "warning",
    check: each(({ edition }, { pointInTimeRecovery, backupRetentionDays }, path) =>
      pointInTimeRecovery && backupRetentionDays > LOG_DAYS[edition]
        ? [
            violation(
              `${path}.pointInTimeRecovery`,
              `reaches ${LOG_DAYS[edition]} days back with edition ${edition}; before that, only daily backups exist`,
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
    why: "Cloud SQL rejects a key from another region, for the instance and for backups outside the region.",
    date: READ,
    severity: "error",
    check: ({ section: { encryptionKey, region }, instances }) => {
      if (encryptionKey === null) return [];
      if (isElsewhere(idOf(encryptionKey), region)) return [violation("gcp.encryptionKey", `must be in ${region}`, idOf(encryptionKey))];
      const rule = "must be null with gcp.encryptionKey, because the key exists in one region only";
      return checkEach(instances, ({ backupReplication }, name) =>
        backupReplication === null ? [] : [violation(`instances.${name}.backupReplication`, rule, {}, "remove one of the two")],
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
    why: "Cloud SQL rejects a CA pool from another region when it creates the instance.",
    date: READ,
    severity: "error",
    check: ({ section: { serverCaPool, region } }) =>
      serverCaPool !== null && isElsewhere(idOf(serverCaPool), region)
        ? [violation("gcp.serverCaPool", `must be in ${region}`, idOf(serverCaPool))]
        : [],
    passing: { section: { ...SECTION, serverCaPool: "projects/my-project/locations/europe-west4/caPools/db" } },
    failing: { section: { ...SECTION, serverCaPool: "projects/my-project/locations/europe-west1/caPools/db" } },
  },
  {
    id: "gcp-deny-period-ends",
    source: `${GUIDE}/maintenance`,
    why: "Cloud SQL rejects a period of more than 90 days, one that ends before it begins, and a day that does not exist.",
    date: READ,
    severity: "error",
    check: ({ section: { denyMaintenance } }) => {
      if (denyMaintenance === null) return [];
      const { from, to } = denyMaintenance;
      if (from.length !== to.length) return [violation("gcp.denyMaintenance.to", "must have a year exactly if the other day has one", to)];
      const missing = checkItems(["from", "to"] as const, (field) =>
        toDay(denyMaintenance[field]) === null
          ? [violation(`gcp.denyMaintenance.${field}`, DOES_NOT_EXIST[denyMaintenance[field].length] ?? "", denyMaintenance[field])]
          : [],
      );
      if (missing.length > 0) return missing;
      const days = daysBetween(from, to);
      return days >= 1 && days <= MOST_DENIED_DAYS
        ? []
        : [violation("gcp.denyMaintenance.to", `must be 1 to ${MOST_DENIED_DAYS} days after ${from}`, to)];
    },
    passing: { section: { ...SECTION, denyMaintenance: { from: "2026-11-20", to: "2027-01-05" } } },
    failing: { section: { ...SECTION, denyMaintenance: { from: "2026-11-01", to: "2027-02-15" } } },
  },
  {
    id: "gcp-denied-days-have-a-year",
    source: "https://github.com/hashicorp/terraform-provider-google/issues/29169",
    why: "The provider reads a period without a year differently than it writes it, and updates the instance each time.",
    date: CHECKED,
    severity: "acknowledge",
    check: ({ section: { denyMaintenance } }) =>
      denyMaintenance === null || denyMaintenance.from.length !== "mm-dd".length
        ? []
        : [
            violation(
              "gcp.denyMaintenance.from",
              "must have a year, because each pulumi up updates the instance again without one",
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
    why: "Cloud SQL rejects a project and instance name of more than 98 characters together, and Cloud DNS a zone name of more than 63.",
    date: READ,
    severity: "error",
    check: checkNames,
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
    why: "Cloud SQL rejects an instance in a range that the new peering does not contain.",
    date: READ,
    severity: "error",
    check: ({ section: { privateServicesAccess } }) =>
      privateServicesAccess.create && privateServicesAccess.allocatedRange !== null
        ? [
            violation(
              "gcp.privateServicesAccess.allocatedRange",
              "must be null with create, because the new peering gets a new range",
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
    why: "Google Cloud rejects such a label on the first resource that gets it.",
    date: READ,
    severity: "error",
    check: ({ labels }) =>
      checkEach(labels, (value, key) => [
        ...(/^[a-z][a-z0-9_-]{0,62}$/.test(key)
          ? []
          : [violation(`labels.${key}`, "key must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, starting with a letter", key)]),
        ...(LABEL.test(value) ? [] : [violation(`labels.${key}`, "must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud", value)]),
      ]),
    passing: { section: SECTION, labels: { stage: "test" } },
    failing: { section: SECTION, labels: { version: "1.2" } },
  },
  {
    id: "gcp-labels-are-not-googles",
    source: "https://github.com/openshift/hypershift/pull/7251",
    why: "Google and its tools set labels with this prefix, and some Google services reject them from others.",
    date: "2026-11-30",
    severity: "warning",
    check: ({ labels }) =>
      checkEach(labels, (value, key) =>
        key.startsWith("goog") ? [violation(`labels.${key}`, "begins with goog, which Google's own labels use", value, "rename it")] : [],
      ),
    passing: { section: SECTION, labels: { "managed-by": "ml" } },
    failing: { section: SECTION, labels: { "goog-managed": "yes" } },
  },
  {
    id: "gcp-owner-is-a-label",
    source: "https://cloud.google.com/resource-manager/docs/labels-overview",
    why: "Google Cloud rejects such a label on the first resource that gets it.",
    date: READ,
    severity: "error",
    check: ({ owner }) =>
      owner === null || LABEL.test(owner)
        ? []
        : [violation("owner", "must be 1 to 63 of a-z, 0-9, _ and hyphens on Google Cloud, where it is a label", owner)],
    passing: { section: SECTION, owner: "ml-platform" },
    failing: { section: SECTION, owner: "ML Team" },
  },
  {
    id: "gcp-existing-connections-are-existing",
    source: `${GUIDE}/connect-auth-proxy`,
    why: "The connection would belong to no instance, so the Auth Proxy could not reach the intended database.",
    date: READ,
    severity: "error",
    check: ({ section: { existingConnections }, instances }) =>
      checkEach(existingConnections, (_connection, name) =>
        ownEntry(instances, name)?.existing == null
          ? [violation(`gcp.existingConnections.${name}`, "must name an instance with existing", name)]
          : [],
      ),
    passing: {
      section: { ...SECTION, existingConnections: { at: "my-project:europe-west4:db" } },
      instances: { at: { existing: EXISTING } },
    },
    failing: { section: { ...SECTION, existingConnections: { at: "my-project:europe-west4:db" } }, instances: { at: {} } },
  },
  {
    id: "gcp-projects-with-a-domain-have-a-pool",
    source: "https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
    why: "If the pool has another name, IAM grants access to identities that no pod has, and every proxy is rejected.",
    date: CHECKED,
    severity: "acknowledge",
    check: ({ section: { project, cluster } }) =>
      cluster === null || !idOf(project).includes(":")
        ? []
        : [
            violation(
              "gcp.project",
              `has a domain; identities in its cluster are assumed to be in the pool ${idOf(project)}.svc.id.goog, which was not tested`,
              idOf(project),
              `compare with gcloud container clusters describe ${idOf(cluster.name)} --location ${cluster.location} --format "value(workloadIdentityConfig.workloadPool)"`,
            ),
          ],
    passing: { section: { ...SECTION, project: "example.com:my-project" } },
    failing: { section: { ...SECTION, project: "example.com:my-project", cluster: CLUSTER } },
  },
  {
    id: "gcp-operators-come-with-releases",
    source: "https://external-secrets.io/latest/provider/google-secrets-manager/",
    why: "Without a warning, a person would wait for an operator that nothing installs.",
    date: READ,
    severity: "warning",
    check: ({ section: { cluster } }) => (cluster === null ? [] : unusedOperators(cluster, "gcp.cluster")),
    passing: { section: { ...SECTION, cluster: { ...CLUSTER, installExternalSecrets: true } } },
    failing: { section: { ...SECTION, cluster: { ...CLUSTER, installReleases: false, installReloader: true } } },
  },
];

/** The most days that Cloud SQL allows. */
const MOST_DENIED_DAYS = 90;
/** `project:instance` together. */
const LONGEST_NAME = 98;
/** A zone's name. https://cloud.google.com/dns/docs/reference/rest/v1/managedZones */
const LONGEST_ZONE = 63;
/** Pulumi's suffix, which makes a name unique: a name is blocked for a week after its deletion. */
const SUFFIX_LENGTH = "-1a2b3c4".length;

const LABEL = /^[a-z0-9_-]{1,63}$/;

/** The rule for a day that does not exist, by the length of its text. */
const DOES_NOT_EXIST: Readonly<Record<number, string>> = {
  ["mm-dd".length]: "must be a day of every year",
  ["yyyy-mm-dd".length]: "must be an existing day",
};

/** Milliseconds since 1970 of a day, in a year without a leap day if it has none; null if there is no such day. */
function toDay(text: string): number | null {
  const whole = text.length === "mm-dd".length ? `2025-${text}` : text;
  const time = Date.parse(whole);
  // JavaScript reads 30 February as 2 March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(whole) ? time : null;
}

/** Days from one day that exists to another, of the next year if no year is given and the day is earlier. */
function daysBetween(from: string, to: string): number {
  const days = ((toDay(to) ?? 0) - (toDay(from) ?? 0)) / 86_400_000;
  return from.length === "mm-dd".length && days < 0 ? days + 365 : days;
}

/** Reports the longer of the two names in a Google name. A name that is too long with several others is reported once. */
function checkNames({ name: environment, section: { project, instances: own }, instances }: Parameters<GcpRule["check"]>[0]) {
  const found = Object.entries(instances).flatMap(([name, instance]) =>
    ifReadable(() => measureNames(environment, idOf(project), name, ownEntry(own, name)?.name ?? null, instance), []),
  );
  const worstLast = found.filter(({ excess }) => excess > 0).sort((a, b) => a.excess - b.excess);
  return [...new Map(worstLast.map((each) => [each.path, each])).values()].map(({ path, name, excess, exceeds }) =>
    violation(path, `is ${excess} character${excess === 1 ? "" : "s"} too long: together with ${exceeds}`, name),
  );
}

/** Returns by how many characters Google names exceed their limits, and the part to shorten. @param chosen null if it is derived. */
function measureNames(
  environment: string,
  project: string,
  instance: string,
  chosen: string | null,
  { readReplicas, existing }: InstanceSettings,
) {
  if (existing !== null) return [];
  if (chosen !== null) {
    const excess = `${project}:${chosen}`.length - LONGEST_NAME;
    const own = {
      path: `gcp.instances.${instance}.name`,
      name: chosen,
      excess,
      exceeds: "the project's name it exceeds Cloud SQL's limit",
    };
    if (excess > 0) return [own];
  }
  const lengthOf = (replica: number | null) => physicalName(environment, instance, replica).length + SUFFIX_LENGTH;
  const server = `${project}:`.length + lengthOf(readReplicas === 0 ? null : readReplicas) - LONGEST_NAME;
  const zone = lengthOf(null) - LONGEST_ZONE;
  const excess = Math.max(server, zone);
  const limit = `it exceeds ${server >= zone ? "Cloud SQL" : "Cloud DNS"}'s limit`;
  return environment.length > instance.length
    ? [{ path: "name", name: environment, excess, exceeds: `the instance's name (\`${instance}\`) ${limit}` }]
    : [{ path: `instances.${instance}`, name: instance, excess, exceeds: `the environment's name (\`${environment}\`) ${limit}` }];
}
