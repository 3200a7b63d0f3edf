import { classNamed, classOf } from "../../constructs/aws/classes";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { GP3, performanceOf } from "../../constructs/aws/storage";
import { idOf } from "../../constructs/model/fields";
import { ownInstance } from "../../constructs/model/own-instance";
import type { ResolvedInstance } from "../../constructs/model/spec";
import type { PlannedServer, Used } from "../plan/servers";

/** The servers that an environment creates, by instance. */
export const awsServers = (environment: AwsEnvironment): Readonly<Record<string, PlannedServer>> =>
  Object.fromEntries(
    Object.entries(environment.instances)
      .filter(([, { settings }]) => settings.existing === null)
      .map(([name, instance]) => [name, toServer(environment, name, instance)]),
  );

function toServer(environment: AwsEnvironment, name: string, { settings }: ResolvedInstance): PlannedServer {
  const { class: className, finalSnapshot } = ownInstance(environment, name);
  const { kmsKey } = environment.section;
  const its = className === null ? classOf(settings.size) : classNamed(className);
  const performance = performanceOf(settings);
  return {
    size: { name: its?.name ?? "", ...settings.size },
    disk: {
      type: "gp3",
      gib: settings.storageGib,
      ceilingGib: settings.maxStorageGib,
      iops: performance?.iops ?? GP3.baseline.iops,
      throughputMibps: performance?.throughputMibps ?? GP3.baseline.throughput,
    },
    recoveryDays: settings.backupRetentionDays,
    endpoint: null,
    key: kmsKey === null ? "a new KMS key" : idOf(kmsKey),
    guards: [
      ...(settings.deletionProtection ? ["RDS refuses to delete it", "CloudFormation refuses to delete its stack"] : []),
      finalSnapshot === null
        ? "it stays if its stack is deleted"
        : `it is deleted with its stack, ${finalSnapshot ? "after" : "without"} a final snapshot`,
    ],
  };
}

/** Existing resources that an environment names. */
export function awsUses({ section, instances }: AwsEnvironment): readonly Used[] {
  const { network, cluster, kmsKey, alarmTopic, existingSecretsManagerEndpoint } = section;
  return [
    ...(network === null
      ? []
      : [
          { path: "aws.network.vpc", what: "VPC", id: idOf(network.vpc) },
          ...network.privateSubnets.map(({ id, zone }, index) => ({
            path: `aws.network.privateSubnets[${index}]`,
            what: `subnet in ${zone}`,
            id: idOf(id),
          })),
        ]),
    ...(cluster === null ? [] : [{ path: "aws.cluster.name", what: "EKS cluster", id: idOf(cluster.name) }]),
    ...(kmsKey === null ? [] : [{ path: "aws.kmsKey", what: "KMS key", id: idOf(kmsKey) }]),
    ...(alarmTopic === null ? [] : [{ path: "aws.alarmTopic", what: "SNS topic", id: idOf(alarmTopic) }]),
    ...(existingSecretsManagerEndpoint === null
      ? []
      : [
          {
            path: "aws.existingSecretsManagerEndpoint",
            what: "security group of Secrets Manager's endpoint",
            id: idOf(existingSecretsManagerEndpoint),
          },
        ]),
    ...Object.entries(instances).flatMap(
      ([
        name,
        {
          settings: { existing },
        },
      ]) => (existing === null ? [] : [{ path: `instances.${name}.existing`, what: "database", id: `${existing.host}:${existing.port}` }]),
    ),
  ];
}
