import * as monitoring from "@pulumi/gcp/monitoring";
import type * as sql from "@pulumi/gcp/sql";
import type { input } from "@pulumi/gcp/types";
import * as pulumi from "@pulumi/pulumi";
import { GIB } from "../model/instance";
import type { ResolvedInstance } from "../model/spec";
import type { CloudSqlPostgres } from "./cloud-sql-postgres";

export interface CloudSqlAlertsArgs {
  readonly postgres: CloudSqlPostgres;
  /** @defaultValue that of `postgres` */
  readonly instance?: Pick<ResolvedInstance, "settings" | "maxConnections">;
  /** @defaultValue that of `postgres` */
  readonly project?: string;
  /** Who is notified: `projects/P/notificationChannels/N`, such as `channel.name`. */
  readonly notificationChannels: readonly pulumi.Input<string>[];
  /** @defaultValue those of `postgres` */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Shares of a resource at which an alert fires. */
const USED = { disk: 0.9, cpu: 0.9, memory: 0.95, connections: 0.8, transactionIds: 0.25 } as const;
/** Transactions for which a replication slot may keep old rows: half of the age at which autovacuum freezes. */
const HELD_BY_SLOTS = 100_000_000;
/** Seconds that a replica may lag. */
const LAG = 300;

/** A watched metric. https://cloud.google.com/sql/docs/postgres/admin-api/metrics */
interface Watch {
  readonly title: string;
  /** Metric of Cloud SQL, below `cloudsql.googleapis.com/database/`. */
  readonly metric: string;
  readonly above: number;
  /** Adds up the values of all databases. */
  readonly sum?: true;
  /** Label of the metric, and its value. Default: all are watched. */
  readonly label?: readonly [string, string];
}

/** Notifies people when a server needs attention: full resources, lagging replicas, and failed backups. */
export class CloudSqlAlerts extends pulumi.ComponentResource {
  constructor(name: string, args: CloudSqlAlertsArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("platform-postgres:gcp:CloudSqlAlerts", name, {}, opts);
    const { postgres, instance = postgres } = args;
    // Cloud SQL enlarges a disk only when it is nearly full, so the used share means nothing while the disk can grow.
    const mostStorage = instance.settings.maxStorageGib ?? instance.settings.storageGib;
    const percent = (share: number) => `${share * 100} %`;
    const onEach: Readonly<Record<string, Watch>> = {
      disk: {
        title: `more than ${percent(USED.disk)} of ${mostStorage} GiB of disk is used`,
        metric: "disk/bytes_used",
        above: mostStorage * GIB * USED.disk,
      },
      ...(instance.settings.maxStorageGib === null ? {} : { growth: watchGrowth(instance.settings.maxStorageGib) }),
      cpu: { title: `the CPUs are used by more than ${percent(USED.cpu)}`, metric: "cpu/utilization", above: USED.cpu },
      memory: { title: `more than ${percent(USED.memory)} of the memory is used`, metric: "memory/utilization", above: USED.memory },
    };
    const onPrimary: Readonly<Record<string, Watch>> = {
      ...onEach,
      connections: {
        title: `more than ${percent(USED.connections)} of ${instance.maxConnections} connections are open`,
        metric: "postgresql/num_backends",
        above: Math.floor(instance.maxConnections * USED.connections),
        sum: true,
      },
      "transaction-ids": {
        title: `more than ${percent(USED.transactionIds)} of the transaction IDs are used`,
        metric: "postgresql/transaction_id_utilization",
        above: USED.transactionIds,
      },
      // There is no metric for the WAL that a slot retains: it shows in the disk usage.
      slots: {
        title: `a replication slot keeps rows from ${HELD_BY_SLOTS / 1_000_000} million transactions ago`,
        metric: "postgresql/vacuum/oldest_transaction_age",
        above: HELD_BY_SLOTS,
        label: ["oldest_transaction_type", "replication_slot"],
      },
    };
    const onReplica: Readonly<Record<string, Watch>> = {
      ...onEach,
      lag: { title: `it is more than ${LAG} s behind`, metric: "replication/replica_lag", above: LAG },
    };
    for (const [key, watch] of Object.entries(onPrimary)) watchMetric(this, `${name}-${key}`, args, postgres.primary, watch);
    postgres.replicas.forEach((replica, index) => {
      for (const [key, watch] of Object.entries(onReplica)) watchMetric(this, `${name}-replica${index + 1}-${key}`, args, replica, watch);
    });
    if (instance.settings.backupRetentionDays > 0) watchBackups(this, `${name}-backups`, args);
    this.registerOutputs({});
  }
}

/**
 * Watches for a disk that should have grown: Cloud SQL enlarges it when less than 5 GiB plus 1/25 of its size is free, at most 25 GiB. The
 * threshold is halfway between that share, at the largest size, and a full disk.
 * https://cloud.google.com/sql/docs/postgres/instance-settings#automatic-storage-increase-2ndgen
 */
function watchGrowth(maxStorageGib: number): Watch {
  const free = Math.min(25, 5 + maxStorageGib / 25) / maxStorageGib;
  const above = Number((1 - free / 2).toFixed(4));
  return {
    title: `more than ${Number((above * 100).toFixed(2))} % of the disk is used, and it has not grown`,
    metric: "disk/utilization",
    above,
  };
}

/** Returns `project:instance`, as in metrics and logs. */
const databaseId = ({ project, name }: sql.DatabaseInstance): pulumi.Output<string> => pulumi.interpolate`${project}:${name}`;

/** Creates a policy with one condition. */
function createPolicy(
  parent: CloudSqlAlerts,
  name: string,
  { postgres, project = postgres.project, notificationChannels, labels = postgres.labels }: CloudSqlAlertsArgs,
  title: string,
  condition: Omit<input.monitoring.AlertPolicyCondition, "displayName">,
  alertStrategy?: input.monitoring.AlertPolicyAlertStrategy,
): void {
  const inputs = { project, combiner: "OR", notificationChannels: [...notificationChannels], userLabels: labels, alertStrategy };
  const conditions = [{ displayName: title, ...condition }];
  new monitoring.AlertPolicy(name, { ...inputs, displayName: `PostgreSQL ${name}: ${title}`, conditions }, { parent });
}

/** Watches for a value that stays too high for 15 minutes. */
function watchMetric(
  parent: CloudSqlAlerts,
  name: string,
  args: CloudSqlAlertsArgs,
  instance: sql.DatabaseInstance,
  { title, metric, above, sum, label }: Watch,
): void {
  const labelled = label === undefined ? "" : ` AND metric.labels.${label[0]} = "${label[1]}"`;
  const filter = pulumi.interpolate`resource.type = "cloudsql_database" AND resource.labels.database_id = "${databaseId(instance)}" AND metric.type = "cloudsql.googleapis.com/database/${metric}"${labelled}`;
  const added = sum === undefined ? {} : { crossSeriesReducer: "REDUCE_SUM", groupByFields: ["resource.label.database_id"] };
  const aggregations = [{ alignmentPeriod: "300s", perSeriesAligner: "ALIGN_MEAN", ...added }];
  const conditionThreshold = { filter, comparison: "COMPARISON_GT", thresholdValue: above, duration: "900s", aggregations };
  createPolicy(parent, name, args, title, { conditionThreshold });
}

/** Statuses of a backup window without a backup. https://cloud.google.com/sql/docs/postgres/backup-recovery/view-audit-logs-for-automated-backups */
const NO_BACKUP = ["STATUS_FAILED", "STATUS_ATTEMPT_FAILED", "STATUS_SKIPPED"];

/** Cloud SQL has no metric for backups. It writes a system event for each window, without severity ERROR even if the backup failed. */
function watchBackups(parent: CloudSqlAlerts, name: string, args: CloudSqlAlertsArgs): void {
  const filter = pulumi.interpolate`resource.type="cloudsql_database" AND resource.labels.database_id="${databaseId(args.postgres.primary)}" AND protoPayload.methodName="cloudsql.instances.automatedBackup" AND protoPayload.metadata.windowStatus=(${NO_BACKUP.map((status) => `"${status}"`).join(" OR ")})`;
  const strategy = { notificationRateLimit: { period: "3600s" }, autoClose: "86400s" };
  createPolicy(parent, name, args, "an automated backup has failed, or was skipped", { conditionMatchedLog: { filter } }, strategy);
}
