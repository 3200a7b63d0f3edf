import { CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import * as iam from "aws-cdk-lib/aws-iam";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { idOf } from "../../model/fields";
import { type JsonObject, mapValues, ownEntry } from "../../model/json";
import { ownInstance } from "../../model/own-instance";
import type { ResolvedInstance } from "../../model/spec";
import { RdsAlarms } from "../rds-alarms";
import { type IRdsPostgres, RdsPostgres } from "../rds-postgres";
import { type AwsEnvironment, hasNetwork } from "./aws-environment";
import { EnvironmentStack, type PrivateNetwork, placeIn } from "./environment-stack";

/** The servers, their keys, master secrets, security groups and alarms. No platform changes anything in it. */
export class DatabaseStack extends EnvironmentStack {
  /** By instance. */
  readonly servers: Readonly<Record<string, IRdsPostgres>>;
  /** Created servers, by instance. */
  readonly created: Readonly<Record<string, RdsPostgres>>;
  /** Receives alarms; null if no server is created and no topic is named. */
  readonly topic: sns.ITopic | null;
  /** Name of an export. While another stack imports it, CloudFormation does not delete this stack. */
  readonly lock: string;

  constructor(scope: Construct, environment: AwsEnvironment, network: PrivateNetwork | null) {
    super(scope, { environment, part: "database", description: `PostgreSQL of ${environment.name}` });
    this.lock = `${this.stackName}-lock`;
    new CfnOutput(this, "Lock", { description: "Imported by the guard, if there is one", value: this.stackName, exportName: this.lock });
    const { section } = environment;
    const key = section.kmsKey === null ? null : kms.Key.fromKeyArn(this, "Key", idOf(section.kmsKey));
    const clients = (section.cluster?.securityGroups ?? []).map((group, index) =>
      ec2.SecurityGroup.fromSecurityGroupId(this, `Client${index + 1}`, idOf(group), { mutable: false }),
    );
    const placement = hasNetwork(environment) ? placeIn(this, environment, network) : null;
    const isMade = Object.values(environment.instances).some(({ settings }) => settings.existing === null);
    const topic = isMade || section.alarmTopic !== null ? alarmTopic(this, environment) : null;
    this.topic = topic;
    const created: Record<string, RdsPostgres> = {};
    this.servers = mapValues(environment.instances, (instance, name) => {
      if (instance.settings.existing !== null) return importServer(this, environment, name, instance.settings.existing, key);
      const { applyImmediately, logRetentionDays } = section;
      if (placement === null) throw new TypeError("there is no network");
      const postgres = new RdsPostgres(this, name, {
        instance: { ...instance, own: ownInstance(environment, name) },
        vpc: placement.vpc,
        vpcSubnets: { subnets: [...placement.subnets] },
        clients,
        key,
        applyImmediately,
        logRetentionDays,
      });
      if (topic !== null) new RdsAlarms(postgres, "Alarms", { postgres, topic });
      created[name] = postgres;
      return postgres;
    });
    this.created = created;
  }
}

function alarmTopic(scope: Construct, { section, name }: AwsEnvironment): sns.ITopic {
  if (section.alarmTopic !== null) return sns.Topic.fromTopicArn(scope, "AlarmTopic", idOf(section.alarmTopic));
  const masterKey = alarmKey(scope, name);
  const topic = new sns.Topic(scope, "AlarmTopic", { displayName: `PostgreSQL of ${name}`, enforceSSL: true, masterKey });
  // With a resource policy, a topic no longer lets the whole account publish.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      actions: ["sns:Publish"],
      principals: [CLOUDWATCH, RDS_EVENTS],
      resources: [topic.topicArn],
      conditions: ofAccount(scope),
    }),
  );
  new CfnOutput(scope, "Alarms", { description: "Subscribe to it; otherwise nobody gets an alarm", value: topic.topicArn });
  return topic;
}

/**
 * Encrypts messages in the topic. A customer-managed key, because AWS's key for SNS admits neither CloudWatch nor RDS, so alarms would be
 * silently lost, and the policy of the spec's key is not ours.
 *
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
function alarmKey(scope: Construct, name: string): kms.IKey {
  const key = new kms.Key(scope, "AlarmKey", {
    description: `Alarms of PostgreSQL of ${name}`,
    enableKeyRotation: true,
    // No data at rest depends on it.
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const use = { actions: ["kms:Decrypt", "kms:GenerateDataKey*"], resources: ["*"] };
  key.addToResourcePolicy(new iam.PolicyStatement({ ...use, principals: [CLOUDWATCH], conditions: ofAccount(scope) }));
  // AWS documents no condition that RDS's requests to KMS meet. The topic's policy admits only this account.
  key.addToResourcePolicy(new iam.PolicyStatement({ ...use, principals: [RDS_EVENTS] }));
  return key;
}

const CLOUDWATCH = new iam.ServicePrincipal("cloudwatch.amazonaws.com");
const RDS_EVENTS = new iam.ServicePrincipal("events.rds.amazonaws.com");

const ofAccount = (scope: Construct): JsonObject => ({ StringEquals: { "aws:SourceAccount": Stack.of(scope).account } });

function importServer(
  scope: Construct,
  { section }: AwsEnvironment,
  name: string,
  existing: NonNullable<ResolvedInstance["settings"]["existing"]>,
  key: kms.IKey | null,
): IRdsPostgres {
  const group = ownEntry(section.existingSecurityGroups, name);
  return RdsPostgres.fromAttributes(scope, name, {
    host: existing.host,
    port: existing.port,
    masterSecretArn: existing.masterSecret,
    securityGroup: group === undefined ? null : ec2.SecurityGroup.fromSecurityGroupId(scope, `${name}SecurityGroup`, idOf(group)),
    key,
  });
}
