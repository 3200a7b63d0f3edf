import { type Violation, violation } from "../model/errors";
import type { InstanceSettings } from "../model/instance";
import type { ParameterValue } from "../model/parameters";
import { cloudRules } from "../model/rules/cloud-rules";
import { checkParameters } from "../model/rules/parameter-names";
import { suggestRegion } from "../model/suggest";
import { type Advice, created, type InstanceRule } from "../model/target";
import { minutesOf, spanOf } from "../model/windows";
import { checkFlag, doubtFlag, IAM_FLAG, toFlagValue } from "./flags";
import { MULTI_REGIONS, REGIONS } from "./regions";

export const GUIDE = "https://cloud.google.com/sql/docs/postgres";
export const READ = "2026-11-21";
export const CHECKED = "2026-11-30";

/** The most replicas of one primary. https://cloud.google.com/sql/docs/postgres/replication */
const MOST_REPLICAS = 10;

export const EXISTING = { host: "10.1.2.3", ca: "-----BEGIN CERTIFICATE-----", masterSecret: "postgres-master" };

/** Rules about settings that Cloud SQL rejects only at deployment, or never. */
export const gcpRules: readonly InstanceRule[] = [
  created({
    id: "gcp-standbys-need-recovery",
    source: `${GUIDE}/high-availability`,
    why: "Cloud SQL rejects high availability without backups and point-in-time recovery.",
    date: READ,
    severity: "error",
    check: ({ highAvailability, ...backups }, path) => (highAvailability ? needsRecovery(backups, path, "highAvailability") : []),
    passing: { highAvailability: true },
    failing: { highAvailability: true, pointInTimeRecovery: false },
  }),
  created({
    id: "gcp-replicas-need-recovery",
    source: `${GUIDE}/replication/create-replica`,
    why: "Cloud SQL rejects a replica whose primary has no backups or no point-in-time recovery.",
    date: READ,
    severity: "error",
    // A standby has the same requirement, which is reported once.
    check: ({ readReplicas, highAvailability, ...backups }, path) =>
      readReplicas > 0 && !highAvailability ? needsRecovery(backups, path, "readReplicas") : [],
    passing: { readReplicas: 1, highAvailability: false },
    failing: { readReplicas: 1, highAvailability: false, pointInTimeRecovery: false },
  }),
  created({
    id: "gcp-ten-replicas",
    source: `${GUIDE}/replication`,
    why: "Cloud SQL rejects the 11th replica of a primary.",
    date: READ,
    severity: "error",
    check: ({ readReplicas }, path) =>
      readReplicas > MOST_REPLICAS
        ? [violation(`${path}.readReplicas`, `must be at most ${MOST_REPLICAS}, the most that one primary can have`, readReplicas)]
        : [],
    passing: { readReplicas: 10 },
    failing: { readReplicas: 11 },
  }),
  created({
    id: "gcp-maintenance-is-an-hour",
    source: `${GUIDE}/set-maintenance-window`,
    why: "Cloud SQL stores only a day and an hour, so maintenance would begin at a different time than the spec says.",
    date: READ,
    severity: "error",
    check: ({ maintenanceWindow }, path) =>
      minutesOf(maintenanceWindow) >= 60 && spanOf(maintenanceWindow).start % 60 === 0
        ? []
        : [
            violation(
              `${path}.maintenanceWindow`,
              "must begin on the hour and last at least an hour, because Cloud SQL uses its first hour",
              maintenanceWindow,
            ),
          ],
    passing: { maintenanceWindow: "sat:23:00-sun:00:00" },
    failing: { maintenanceWindow: "sat:04:30-sat:05:30" },
  }),
  created({
    id: "gcp-backups-are-kept-elsewhere-with-the-same-key",
    source: `${GUIDE}/backup-recovery/backups`,
    why: "Cloud SQL rejects an unknown backup location, and has no setting for a backup key.",
    date: READ,
    severity: "error",
    check: ({ backupReplication, backupRetentionDays }, path) => {
      if (backupReplication === null) return [];
      const { region, kmsKey } = backupReplication;
      const at = `${path}.backupReplication`;
      if (!REGIONS.includes(region) && !MULTI_REGIONS.includes(region)) {
        const rule = `must be a Cloud SQL region, or a multi-region (${MULTI_REGIONS.join(", ")})`;
        return [violation(`${at}.region`, rule, region, suggestRegion(region, REGIONS))];
      }
      if (kmsKey !== null)
        return [violation(`${at}.kmsKey`, "must be null on Cloud SQL, which encrypts backups with the database's own key", kmsKey)];
      return backupRetentionDays === 0
        ? [violation(`${at}.region`, "needs backups to keep there", region, "set backupRetentionDays to 1 or more")]
        : [];
    },
    passing: { backupReplication: { region: "eu" } },
    failing: { backupReplication: { region: "europe-west1", kmsKey: "key" } },
  }),
  created({
    id: "gcp-flags-are-known",
    source: `${GUIDE}/flags`,
    why: "Cloud SQL rejects an instance with an unknown flag or value when it is created or changed.",
    date: READ,
    severity: "error",
    check: (instance, path) =>
      checkParameters(instance, path, (name, value, majorVersion) => {
        const advice = checkFlag(name, value, majorVersion);
        return advice === null && name === IAM_FLAG ? checkIamFlag(value, instance) : advice;
      }),
    passing: { parameters: { work_mem: "16MB", "cloudsql.logical_decoding": "on" } },
    failing: { parameters: { wrok_mem: "16MB" } },
  }),
  created({
    id: "gcp-flags-are-in-the-list",
    source: `${GUIDE}/flags`,
    why: "Cloud SQL rejects flags outside its published list, unless Google has added one since.",
    date: READ,
    severity: "acknowledge",
    // A wrong value is reported once, by the previous rule.
    check: (instance, path) =>
      checkParameters(instance, path, (name, value, majorVersion) =>
        checkFlag(name, value, majorVersion) === null ? doubtFlag(name, majorVersion) : null,
      ),
    passing: { parameters: { random_page_cost: 1.1 } },
    failing: { parameters: { wal_level: "logical" } },
  }),
  created({
    id: "gcp-identities-need-their-own-login",
    source: `${GUIDE}/iam-authentication`,
    why: "The setting alone admits nobody, because this project creates only logins with passwords.",
    date: CHECKED,
    severity: "warning",
    check: ({ iamAuthentication }, path) =>
      iamAuthentication
        ? [
            violation(
              `${path}.iamAuthentication`,
              "only prepares the instance: no login uses an identity, because this project creates logins with passwords",
              true,
              "run gcloud sql users create EMAIL --instance INSTANCE --type cloud_iam_user for each person, and grant it rights in the databases",
            ),
          ]
        : [],
    passing: {},
    failing: { iamAuthentication: true },
  }),
  created({
    id: "gcp-network-lets-in",
    source: `${GUIDE}/private-ip`,
    why: "A list of networks looks as if all others were blocked, but Cloud SQL's private address admits the whole network.",
    date: READ,
    severity: "warning",
    check: ({ allowedSources }, path) =>
      allowedSources.length === 0
        ? []
        : [
            {
              path: `${path}.allowedSources`,
              rule: "has no effect on Cloud SQL: its whole network can reach a private address, and only over TLS",
              got: null,
              remedy: "limit access with egress rules in the network's firewall",
            },
          ],
    passing: {},
    failing: { allowedSources: ["10.0.0.0/16"] },
  }),
  {
    id: "gcp-existing-master-secret",
    source: "https://cloud.google.com/secret-manager/docs/creating-and-accessing-secrets",
    why: "Secret Manager finds no secret with such a name, so provisioning fails in the cluster.",
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing === null || /^(projects\/[a-z0-9.:-]+\/secrets\/)?[A-Za-z0-9_-]{1,255}$/.test(existing.masterSecret)
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
    why: "Without the instance's CA, no client can verify the server, so clients refuse to connect.",
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing !== null && existing.ca === null
        ? [
            violation(
              `${path}.existing.ca`,
              "is required, because each Cloud SQL instance has its own certificate authority",
              null,
              "run gcloud sql instances describe NAME --format 'value(serverCaCert.cert)'",
            ),
          ]
        : [],
    passing: { existing: EXISTING },
    failing: { existing: { host: EXISTING.host, masterSecret: EXISTING.masterSecret } },
  },
  ...cloudRules("gcp", {
    backups: `${GUIDE}/backup-recovery/backups`,
    connecting: `${GUIDE}/connect-overview`,
    storage: `${GUIDE}/instance-settings`,
  }),
];

/** This project sets the flag itself: a parameter may only repeat the value. */
function checkIamFlag(value: ParameterValue, { iamAuthentication, majorVersion }: InstanceSettings): Advice | null {
  const own = iamAuthentication ? "on" : "off";
  return toFlagValue(IAM_FLAG, value, majorVersion) === own
    ? null
    : { rule: `is set to ${own} by iamAuthentication: ${iamAuthentication}`, remedy: `set iamAuthentication: ${!iamAuthentication}` };
}

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
