import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import type * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

/** Words in Lambda's log for an error that the program threw or reported, and for a timeout. */
const ERRORS = logs.FilterPattern.anyTerm("ERROR", "Task timed out");

export interface RotationAlarmProps {
  /** Name of the environment. */
  readonly environment: string;
  readonly topic: sns.ITopic;
}

/** Notifies a topic when a rotation failed, was postponed, or changed a password that sessions still used. */
export class RotationAlarm extends Construct {
  private readonly errors: { readonly namespace: string; readonly metricName: string };

  constructor(scope: Construct, id: string, { environment, topic }: RotationAlarmProps) {
    super(scope, id);
    this.errors = { namespace: `platform-postgres/${environment}`, metricName: "RotationErrors" };
    const alarm = new cloudwatch.Alarm(this, "Alarm", {
      metric: new cloudwatch.Metric({ ...this.errors, statistic: "Sum", period: Duration.hours(1) }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      alarmDescription:
        "A rotation failed, was postponed, or changed a password that sessions still used: see the log of the rotation function",
    });
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }

  /** Counts a function's errors. The filter is created here, because a nested stack of many platforms is close to its limit of resources. */
  watch(id: string, { logGroup }: lambda.Function): void {
    const { namespace: metricNamespace, metricName } = this.errors;
    new logs.MetricFilter(this, id, { logGroup, filterPattern: ERRORS, metricNamespace, metricName, metricValue: "1" });
  }
}
