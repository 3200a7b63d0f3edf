import { type App, Validations } from "aws-cdk-lib";

interface Acknowledged {
  /** ID of a rule of AwsSolutions. https://github.com/cdklabs/cdk-nag/blob/main/RULES.md */
  readonly rule: string;
  /** Paths of the constructs to which it applies. */
  readonly path: RegExp;
  readonly reason: string;
}

const SPEC = "The spec says so";
const KUBECTL =
  "CDK's own provider of kubectl and helm: it reads its layers and charts from the bootstrap bucket, and uses one role in the cluster.";

/** Acknowledged findings of AwsSolutions, with reasons. A test checks that each is still found. */
export const ACKNOWLEDGED: readonly Acknowledged[] = [
  {
    rule: "IAM4",
    path: /\/(Function|framework-onEvent)\/ServiceRole\//,
    reason: "AWS's policies for functions allow a log and, in a VPC, network interfaces; AWS maintains them.",
  },
  { rule: "IAM4", path: /\/MonitoringRole\//, reason: "Enhanced monitoring requires exactly this policy." },
  {
    rule: "IAM4",
    path: /\/LogRetention[0-9a-f]{32}\//,
    reason: "CDK's function that sets the retention of RDS's logs writes its own log.",
  },
  {
    rule: "IAM5",
    path: /\/LogRetention[0-9a-f]{32}\//,
    reason: "It sets the retention of log groups that RDS creates, whose names are not known in advance.",
  },
  { rule: "IAM5", path: /\/Provider\/framework-onEvent\//, reason: "It may invoke every version of one function." },
  {
    rule: "IAM5",
    path: /\.inner\/(provisioning|rotation)\/Function\/ServiceRole\/DefaultPolicy\//,
    reason: "It allows every secret of one instance, by tag: a list of secrets would exceed the limit of a role's policies.",
  },
  { rule: "IAM4", path: /\/Releases\/Kubectl\//, reason: KUBECTL },
  { rule: "IAM5", path: /\/Releases\/Kubectl\//, reason: KUBECTL },
  {
    rule: "L1",
    path: /\/(Function|Handler|framework-onEvent)\/Resource$/,
    reason: "The program is built for Node.js 22 and tested there; the CDK chooses the versions of the functions that it adds.",
  },
  {
    rule: "RDS11",
    path: /\/(Instance|Replica\d+)\/Resource$/,
    reason: "Another port protects nothing: security groups do, and every tool knows this port.",
  },
  { rule: "RDS2", path: /\/Replica\d+\/Resource$/, reason: "A replica is encrypted with its source's key; RDS rejects the setting." },
  { rule: "RDS3", path: /\/Replica\d+\/Resource$/, reason: "A replica is a copy; its source has the standby." },
  { rule: "RDS3", path: /\/Instance\/Resource$/, reason: `${SPEC}: highAvailability.` },
  {
    rule: "RDS10",
    path: /\/Instance\/Resource$/,
    reason:
      "The access stack enables it as soon as the instance exists. Enabled earlier, it would block the cleanup of a failed first deployment.",
  },
  { rule: "RDS10", path: /\/Replica\d+\/Resource$/, reason: "A replica has no data that its source does not have, and may be deleted." },
  { rule: "RDS13", path: /\/Instance\/Resource$/, reason: `${SPEC}: backupRetentionDays.` },
  { rule: "SMG4", path: /\/MasterSecret\/Resource$/, reason: "The stack with the rotation function rotates it." },
];

/** Acknowledges each finding on its constructs, so that the same finding is still reported anywhere else. */
export function acknowledgeFindings(app: App): void {
  for (const construct of app.node.findAll()) {
    const path = `/${construct.node.path}`;
    for (const { rule, reason } of ACKNOWLEDGED.filter((each) => each.path.test(path)))
      Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
  }
}
