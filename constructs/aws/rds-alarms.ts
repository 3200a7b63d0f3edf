import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import * as events from "aws-cdk-lib/aws-events";
import { SnsTopic } from "aws-cdk-lib/aws-events-targets";
import * as rds from "aws-cdk-lib/aws-rds";
import * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { GIB, type InstanceSettings } from "../model/instance";
import { OLD_TRANSACTIONS } from "../model/transaction-ids";
import type { RdsPostgres } from "./rds-postgres";

export interface RdsAlarmsProps {
  readonly postgres: RdsPostgres;
  /**
   * Receives alarms and RDS's events; CloudWatch and RDS must be allowed to publish to it. Without one, `alarms` have no action until you
   * add it, and no event is reported.
   *
   * @defaultValue none
   */
  readonly topic?: sns.ITopic;
}

/** Shares of a resource at which an alarm fires. */
const FREE_STORAGE = 0.1;
const FREE_MEMORY = 0.05;
const USED_CONNECTIONS = 0.8;
/** Percent. */
const USED_CPU = 90;
/** Share of the disk that WAL retained by a replication slot may take. */
const RETAINED_BY_SLOTS = 0.1;
/**
 * Seconds that a replica may lag. While its source is idle, a replica reports up to five minutes without lagging:
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.Monitor.html
 */
const LAG = 900;
/** Hours without a completed backup; RDS takes one each day. */
const BACKUP_HOURS = 30;

/**
 * Events to report, except those of every backup and change. `low storage` reports a disk that is 90 % full at its
 * current size, which no metric shows. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html (RDS-EVENT-0089)
 */
const EVENT_CATEGORIES = ["availability", "failover", "failure", "low storage", "maintenance", "notification", "read replica", "recovery"];

/** Notifies a topic when a server needs attention: alarms on its metrics, its events, and missing backups. */
export class RdsAlarms extends Construct {
  /** All alarms, to which you can add actions. */
  readonly alarms: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, { postgres, topic }: RdsAlarmsProps) {
    super(scope, id);
    this.alarms = [...createInstanceAlarms(this, postgres), ...createReplicaAlarms(this, postgres), ...createBackupAlarm(this, postgres)];
    if (topic === undefined) return;
    this.addAction(new SnsAction(topic));
    const sourceIds = [postgres.instance, ...postgres.replicas].map((each) => each.instanceIdentifier);
    new rds.CfnEventSubscription(this, "Events", {
      snsTopicArn: topic.topicArn,
      sourceType: "db-instance",
      sourceIds,
      eventCategories: EVENT_CATEGORIES,
    });
  }

  /** Runs an action when an alarm begins, and when it ends. */
  addAction(action: cloudwatch.IAlarmAction): void {
    for (const alarm of this.alarms) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
  }
}

const percent = (share: number): string => `${share * 100} %`;

/** A metric of five minutes, over a quarter of an hour. */
function createAlarm(
  scope: Construct,
  id: string,
  metric: cloudwatch.Metric,
  limit: { readonly above: number } | { readonly below: number },
  alarmDescription: string,
): cloudwatch.Alarm {
  const isAbove = "above" in limit;
  return new cloudwatch.Alarm(scope, id, {
    metric: metric.with({ period: Duration.minutes(5) }),
    threshold: isAbove ? limit.above : limit.below,
    comparisonOperator: isAbove ? cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: cloudwatch.TreatMissingData.MISSING,
    alarmDescription,
  });
}

function createInstanceAlarms(scope: Construct, postgres: RdsPostgres): readonly cloudwatch.Alarm[] {
  const { settings, maxConnections } = postgres;
  const database = postgres.instance;
  const memory = { below: Math.round(settings.size.memoryGib * FREE_MEMORY * GIB) };
  const connections = { above: Math.floor(maxConnections * USED_CONNECTIONS) };
  const retained = { above: Math.round(settings.storageGib * RETAINED_BY_SLOTS * GIB) };
  const slots = database.metric("OldestReplicationSlotLag", { statistic: "Maximum" });
  const transactions = database.metric("MaximumUsedTransactionIDs", { statistic: "Maximum" });
  return [
    createStorageAlarm(scope, "Storage", database, settings),
    createAlarm(scope, "Cpu", database.metricCPUUtilization(), { above: USED_CPU }, `The CPU is busier than ${USED_CPU} %`),
    createAlarm(scope, "Memory", database.metricFreeableMemory(), memory, `Less than ${percent(FREE_MEMORY)} of the memory can be freed`),
    createAlarm(
      scope,
      "Connections",
      database.metricDatabaseConnections({ statistic: "Maximum" }),
      connections,
      `More than ${percent(USED_CONNECTIONS)} of max_connections (${maxConnections}) are in use`,
    ),
    createAlarm(
      scope,
      "TransactionIds",
      transactions,
      { above: OLD_TRANSACTIONS },
      `The oldest transaction ID is more than ${OLD_TRANSACTIONS / 1_000_000} million transactions old; doctor names the database`,
    ),
    createAlarm(
      scope,
      "Slots",
      slots,
      retained,
      `A replication slot retains more than ${percent(RETAINED_BY_SLOTS)} of ${settings.storageGib} GiB; doctor names the inactive ones`,
    ),
  ];
}

/** Creates the alarm of an instance or a replica: a replica's disk can fill up on its own, and then replication stops. */
function createStorageAlarm(
  scope: Construct,
  id: string,
  database: rds.IDatabaseInstance,
  { storageGib }: InstanceSettings,
): cloudwatch.Alarm {
  const free = { below: Math.round(storageGib * FREE_STORAGE * GIB) };
  const metric = database.metricFreeStorageSpace();
  return createAlarm(scope, id, metric, free, `Less than ${percent(FREE_STORAGE)} of ${storageGib} GiB, the disk's first size, is free`);
}

function createReplicaAlarms(scope: Construct, postgres: RdsPostgres): readonly cloudwatch.Alarm[] {
  return postgres.replicas.flatMap((replica, index) => {
    const lag = replica.metric("ReplicaLag", { statistic: "Maximum" });
    return [
      createAlarm(scope, `ReplicaLag${index + 1}`, lag, { above: LAG }, `The replica is more than ${LAG} s behind`),
      createStorageAlarm(scope, `ReplicaStorage${index + 1}`, replica, postgres.settings),
    ];
  });
}

/**
 * RDS has no event for a failed backup, so the alarm waits for completed ones.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html (RDS-EVENT-0002)
 */
function createBackupAlarm(scope: Construct, postgres: RdsPostgres): readonly cloudwatch.Alarm[] {
  if (postgres.settings.backupRetentionDays === 0) return [];
  const rule = new events.Rule(scope, "BackupFinished", {
    description: "A backup of PostgreSQL has finished",
    eventPattern: {
      source: ["aws.rds"],
      resources: [postgres.instance.instanceArn],
      detail: { EventID: ["RDS-EVENT-0002"] },
    },
    // EventBridge counts deliveries, so a rule needs a target. To be notified of every backup, subscribe to it.
    targets: [new SnsTopic(new sns.Topic(scope, "Backups", { displayName: "Backups of PostgreSQL", enforceSSL: true }))],
  });
  const period = Duration.hours(1);
  return [
    new cloudwatch.Alarm(scope, "Backup", {
      metric: new cloudwatch.Metric({
        namespace: "AWS/Events",
        metricName: "TriggeredRules",
        dimensionsMap: { RuleName: rule.ruleName },
        statistic: "Sum",
        period,
      }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: BACKUP_HOURS,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
      alarmDescription: `No backup has finished for ${BACKUP_HOURS} hours`,
    }),
  ];
}
