import { beginsAtItsFirst } from "../model/address";
import { type Violation, violation } from "../model/errors";
import { hasRoomToGrow, type InstanceSettings } from "../model/instance";
import { checkItems } from "../model/rule";
import { cloudRules } from "../model/rules/cloud-rules";
import { RAISE_CEILING } from "../model/rules/instance-rules";
import { checkParameters } from "../model/rules/parameter-names";
import { suggestRegion } from "../model/suggest";
import { created, type InstanceRule } from "../model/target";
import { minutesOf, overlap, spanOf } from "../model/windows";
import { checkRdsParameter } from "./parameters";
import { RDS_REGIONS } from "./rds-regions";
import { GP3 } from "./storage";

export const GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide";
export const READ = "2026-11-21";
export const CHECKED = "2026-11-30";

/** GiB of gp3. */
const SMALLEST_DISK = 20;
/** Inbound rules of a security group, and the number that this project may need itself: for functions and a cluster. */
const USUAL_RULES = 60;
const OWN_RULES = 5;
/** Days for which RDS keeps automated backups. */
const MOST_DAYS = 35;
/** RDS rejects a shorter window. Minutes. */
const SHORTEST_WINDOW = 30;

export const EXISTING = { host: "db.example", masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" };

/** Rules about settings that RDS rejects only at deployment, or never. */
export const awsRules: readonly InstanceRule[] = [
  created({
    id: "aws-disks-have-twenty-gib",
    source: `${GUIDE}/CHAP_Storage.html#gp3-storage`,
    why: "RDS rejects a smaller gp3 volume when it creates the instance.",
    date: CHECKED,
    severity: "error",
    check: ({ storageGib }, path) =>
      storageGib < SMALLEST_DISK ? [violation(`${path}.storageGib`, `must be at least ${SMALLEST_DISK} on RDS`, storageGib)] : [],
    passing: { storageGib: 20 },
    failing: { storageGib: 10 },
  }),
  created({
    id: "aws-ceilings-are-a-tenth-above-storage",
    source: `${GUIDE}/USER_PIOPS.Autoscaling.html`,
    why: "RDS rejects a ceiling less than 10 % above the disk when it creates the instance.",
    date: READ,
    severity: "error",
    // Another rule rejects a ceiling below the disk on every target.
    check: ({ storageGib, maxStorageGib }, path) =>
      maxStorageGib !== null && maxStorageGib >= storageGib && !hasRoomToGrow(storageGib, maxStorageGib)
        ? [
            violation(
              `${path}.maxStorageGib`,
              `must be at least 10 % above storageGib (${storageGib}) on RDS`,
              maxStorageGib,
              RAISE_CEILING,
            ),
          ]
        : [],
    passing: { storageGib: 100, maxStorageGib: 110 },
    failing: { storageGib: 100, maxStorageGib: 105 },
  }),
  created({
    id: "aws-backups-are-kept-for-35-days",
    source: `${GUIDE}/USER_WorkingWithAutomatedBackups.BackupRetention.html`,
    why: "RDS rejects a longer retention when it creates or changes the instance.",
    date: CHECKED,
    severity: "error",
    check: ({ backupRetentionDays }, path) =>
      backupRetentionDays > MOST_DAYS
        ? [
            violation(
              `${path}.backupRetentionDays`,
              `must be at most ${MOST_DAYS} on RDS`,
              backupRetentionDays,
              "keep snapshots for longer with AWS Backup",
            ),
          ]
        : [],
    passing: { backupRetentionDays: 35 },
    failing: { backupRetentionDays: 36 },
  }),
  created({
    id: "aws-small-volumes-have-fixed-performance",
    source: `${GUIDE}/CHAP_Storage.html#gp3-storage`,
    why: "Below 400 GiB, RDS rejects any IOPS and throughput, even the 3,000 and 125 MiB/s that such a volume has.",
    date: READ,
    severity: "error",
    check: (instance, path) => (instance.storageGib < GP3.stripedFromGib ? refuseAnyPerformance(instance, path) : []),
    passing: { storageGib: 399 },
    failing: { storageGib: 399, iops: 12000 },
  }),
  created({
    id: "aws-large-volumes-have-a-floor",
    source: `${GUIDE}/CHAP_Storage.html#gp3-storage`,
    why: "RDS rejects numbers outside these bounds, and fewer than 4 operations per MiB/s, when it creates the instance.",
    date: READ,
    severity: "error",
    check: (instance, path) => (instance.storageGib < GP3.stripedFromGib ? [] : checkPerformance(instance, path)),
    passing: { storageGib: 400, iops: 16000, throughputMibps: 1000 },
    failing: { storageGib: 400, iops: 16000, throughputMibps: 400 },
  }),
  created({
    id: "aws-windows-are-half-an-hour-and-apart",
    source: `${GUIDE}/USER_WorkingWithAutomatedBackups.html`,
    why: "RDS rejects shorter windows, and a backup window within the maintenance window, when it creates the instance.",
    date: READ,
    severity: "error",
    check: checkWindows,
    passing: { backupWindow: "23:30-00:30", maintenanceWindow: "sun:00:30-sun:01:30" },
    failing: { backupWindow: "04:30-05:30" },
  }),
  created({
    id: "aws-replicas-need-backups",
    source: `${GUIDE}/USER_ReadRepl.html`,
    why: "RDS creates a replica from a backup of its source, and rejects the replica if the source keeps none.",
    date: READ,
    severity: "error",
    check: ({ readReplicas, backupRetentionDays }, path) =>
      readReplicas > 0 && backupRetentionDays === 0
        ? [violation(`${path}.backupRetentionDays`, "must be at least 1 with readReplicas", 0, "keep backups, or set readReplicas to 0")]
        : [],
    passing: { readReplicas: 1, backupRetentionDays: 1 },
    failing: { readReplicas: 1, backupRetentionDays: 0, pointInTimeRecovery: false },
  }),
  created({
    id: "aws-recovery-comes-with-backups",
    source: `${GUIDE}/USER_PIT.html`,
    why: "RDS archives WAL whenever it keeps backups, so the setting has no effect and the archive is billed.",
    date: READ,
    severity: "warning",
    check: ({ pointInTimeRecovery, backupRetentionDays }, path) =>
      !pointInTimeRecovery && backupRetentionDays > 0
        ? [violation(`${path}.pointInTimeRecovery`, "cannot be turned off on RDS while there are backups", false)]
        : [],
    passing: { pointInTimeRecovery: false, backupRetentionDays: 0 },
    failing: { pointInTimeRecovery: false },
  }),
  created({
    id: "aws-identities-need-their-own-login",
    source: `${GUIDE}/database-authentication.html`,
    why: "A login with `rds_iam` no longer accepts its password, and without the master's password nothing is provisioned or rotated.",
    date: CHECKED,
    severity: "warning",
    check: ({ iamAuthentication }, path) =>
      iamAuthentication
        ? [
            violation(
              `${path}.iamAuthentication`,
              "only prepares the instance: no login uses it until you create one (create role jane login; grant rds_iam to jane)",
              true,
              "never make the master or a platform's login a member of such a role, even through another role: RDS then rejects its password, and without the master's password nothing is provisioned or rotated; test the master's login before you close the session",
            ),
          ]
        : [],
    passing: {},
    failing: { iamAuthentication: true },
  }),
  created({
    id: "aws-replicated-backups-need-a-key",
    source: `${GUIDE}/USER_ReplicateBackups.html`,
    why: "RDS rejects copies of encrypted backups without a key in the target region, after it has created the instance.",
    date: READ,
    severity: "error",
    check: checkReplication,
    passing: {
      backupReplication: { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d" },
    },
    failing: { backupReplication: { region: "eu-west-1" } },
  }),
  created({
    id: "aws-parameters-are-known",
    source: `${GUIDE}/Appendix.PostgreSQL.CommonDBATasks.Parameters.html`,
    why: "RDS rejects a parameter group with an unknown parameter or value, and the stack rolls back.",
    date: READ,
    severity: "error",
    check: (instance, path) => checkParameters(instance, path, checkRdsParameter),
    passing: { parameters: { work_mem: "16MB", "rds.logical_replication": 1 } },
    failing: { parameters: { wrok_mem: "16MB" } },
  }),
  created({
    id: "aws-sources-are-networks",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    why: "EC2 rejects a network whose host part is not zero, and a rule for IPv6 admits nobody to a server on IPv4.",
    date: READ,
    severity: "error",
    check: ({ allowedSources }, path) =>
      checkItems(allowedSources, (source, index) => {
        const rule = refuseSource(source);
        return rule === null ? [] : [violation(`${path}.allowedSources[${index}]`, rule, source)];
      }),
    passing: { allowedSources: ["10.1.0.0/16"] },
    failing: { allowedSources: ["10.1.2.3/16"] },
  }),
  created({
    id: "aws-sources-fit-a-security-group",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    why: "EC2 rejects rules beyond the quota of a security group, which is 60 unless AWS has raised it.",
    date: CHECKED,
    severity: "acknowledge",
    check: ({ allowedSources }, path) =>
      allowedSources.length > USUAL_RULES - OWN_RULES
        ? [
            violation(
              `${path}.allowedSources`,
              `must be at most ${USUAL_RULES - OWN_RULES}, because a security group has ${USUAL_RULES} rules unless AWS has raised that`,
              allowedSources.length,
              "combine adjacent networks",
            ),
          ]
        : [],
    passing: { allowedSources: ["10.1.0.0/16"] },
    failing: { allowedSources: Array.from({ length: 60 }, (_, index) => `10.${index}.0.0/16`) },
  }),
  {
    id: "aws-existing-master-secret-is-an-arn",
    source: "https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html",
    why: "A partial ARN matches no policy that names the secret, so provisioning is not allowed to read the master's password.",
    date: READ,
    severity: "error",
    check: ({ existing }, path) =>
      existing === null || /^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+-[A-Za-z0-9]{6}$/.test(existing.masterSecret)
        ? []
        : [
            violation(
              `${path}.existing.masterSecret`,
              "must be the complete ARN of a secret, including the six characters at its end",
              existing.masterSecret,
              "aws secretsmanager describe-secret shows it",
            ),
          ],
    passing: { existing: EXISTING },
    failing: { existing: { ...EXISTING, masterSecret: "master" } },
  },
  ...cloudRules("aws", {
    backups: `${GUIDE}/USER_WorkingWithAutomatedBackups.html`,
    connecting: `${GUIDE}/USER_ConnectToPostgreSQLInstance.html`,
    storage: `${GUIDE}/USER_PIOPS.Autoscaling.html`,
  }),
];

const PERFORMANCE = ["iops", "throughputMibps"] as const;

function refuseAnyPerformance(instance: InstanceSettings, path: string): readonly Violation[] {
  const remedy = `remove it, or set storageGib (${instance.storageGib}) to ${GP3.stripedFromGib} or more`;
  return checkItems(PERFORMANCE, (field) =>
    instance[field] === null
      ? []
      : [violation(`${path}.${field}`, `cannot be set below ${GP3.stripedFromGib} GiB`, instance[field], remedy)],
  );
}

function checkPerformance(instance: InstanceSettings, path: string): readonly Violation[] {
  const found = checkItems(PERFORMANCE, (field) => {
    const value = instance[field];
    const { min, max } = field === "iops" ? GP3.iops : GP3.throughput;
    return value === null || (value >= min && value <= max)
      ? []
      : [violation(`${path}.${field}`, `must be from ${min} to ${max} on a volume of ${GP3.stripedFromGib} GiB or more`, value)];
  });
  if (found.length > 0) return found;
  const iops = instance.iops ?? GP3.iops.min;
  const needed = Math.ceil((instance.throughputMibps ?? GP3.throughput.min) / GP3.throughputPerIops);
  if (needed <= iops) return [];
  const rule = `must be at least ${needed}, ${1 / GP3.throughputPerIops} operations per MiB/s of throughputMibps`;
  return [violation(`${path}.iops`, rule, iops)];
}

function checkWindows(instance: InstanceSettings, path: string): readonly Violation[] {
  const found = checkItems(["backupWindow", "maintenanceWindow"] as const, (field) =>
    minutesOf(instance[field]) < SHORTEST_WINDOW
      ? [violation(`${path}.${field}`, `must last at least ${SHORTEST_WINDOW} minutes`, instance[field])]
      : [],
  );
  if (found.length > 0) return found;
  const { backupWindow, maintenanceWindow } = instance;
  return overlap(spanOf(backupWindow), spanOf(maintenanceWindow))
    ? [violation(`${path}.backupWindow`, `must not overlap maintenanceWindow (${maintenanceWindow})`, backupWindow, "move one of the two")]
    : [];
}

function checkReplication({ backupReplication, backupRetentionDays }: InstanceSettings, path: string): readonly Violation[] {
  if (backupReplication === null) return [];
  const { region, kmsKey } = backupReplication;
  const at = `${path}.backupReplication`;
  if (!RDS_REGIONS.includes(region))
    return [violation(`${at}.region`, "must be an RDS region", region, suggestRegion(region, RDS_REGIONS))];
  if (backupRetentionDays === 0)
    return [violation(`${at}.region`, "needs backups to copy", region, "set backupRetentionDays to 1 or more")];
  if (new RegExp(`^arn:aws:kms:${region}:\\d{12}:(key|alias)/[A-Za-z0-9/_-]+$`).test(kmsKey ?? "")) return [];
  return [violation(`${at}.kmsKey`, `must be the ARN of a key in ${region}, because the database is encrypted`, kmsKey ?? undefined)];
}

/** Returns why a source is invalid: by default, RDS listens only on IPv4, and EC2 rejects a network whose host part is not zero. */
export function refuseSource(source: string): string | null {
  if (source.includes(":")) return "must be an IPv4 network, because the database listens on IPv4";
  return beginsAtItsFirst(source) ? null : `must begin at the network's first address (/${source.split("/")[1]})`;
}
