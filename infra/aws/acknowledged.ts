import { type App, Validations } from "aws-cdk-lib";

interface Acknowledged {
  /** A rule of AwsSolutions. https://github.com/cdklabs/cdk-nag/blob/main/RULES.md */
  readonly rule: string;
  /** Paths of the constructs that it is about. */
  readonly path: RegExp;
  readonly reason: string;
}

const SPEC = "The spec says so";
const KUBECTL =
  "CDK's own provider of kubectl and helm: it reads its layers and charts from the bootstrap bucket, and works as one role in the cluster.";

/** Findings of AwsSolutions that stay, and why. A test holds that each of them is still found. */
export const ACKNOWLEDGED: readonly Acknowledged[] = [
  {
    rule: "IAM4",
    path: /\/(Function|framework-onEvent)\/ServiceRole\//,
    reason: "AWS's policies for functions give a log and, in a VPC, network interfaces; AWS keeps them right.",
  },
  { rule: "IAM4", path: /\/MonitoringRole\//, reason: "Enhanced monitoring asks for exactly this policy." },
  {
    rule: "IAM4",
    path: /\/LogRetention[0-9a-f]{32}\//,
    reason: "CDK's function that sets how long RDS's logs are kept has a log of its own.",
  },
  {
    rule: "IAM5",
    path: /\/LogRetention[0-9a-f]{32}\//,
    reason: "It sets the retention of log groups that RDS makes, whose names are not known before.",
  },
  { rule: "IAM5", path: /\/Provider\/framework-onEvent\//, reason: "It may call every version of one function." },
  {
    rule: "IAM5",
    path: /\.inner\/(provisioning|rotation)\/Function\/ServiceRole\/DefaultPolicy\//,
    reason: "Every secret of one instance, by its tag: a list of them would exceed the limit of a role's policies.",
  },
  { rule: "IAM4", path: /\/Releases\/Kubectl\//, reason: KUBECTL },
  { rule: "IAM5", path: /\/Releases\/Kubectl\//, reason: KUBECTL },
  {
    rule: "L1",
    path: /\/(Function|Handler|framework-onEvent)\/Resource$/,
    reason: "The program is made for Node 22 and tested there; CDK chooses the versions of its own functions.",
  },
  {
    rule: "RDS11",
    path: /\/(Instance|Replica\d+)\/Resource$/,
    reason: "Another port keeps nobody out: security groups do, and every tool knows this one.",
  },
  { rule: "RDS2", path: /\/Replica\d+\/Resource$/, reason: "A replica is encrypted with its source's key; saying so is refused." },
  { rule: "RDS3", path: /\/Replica\d+\/Resource$/, reason: "A replica is a copy; the instance has its standby." },
  { rule: "RDS3", path: /\/Instance\/Resource$/, reason: `${SPEC}: highAvailability.` },
  {
    rule: "RDS10",
    path: /\/Instance\/Resource$/,
    reason: "The access stack turns it on as soon as the instance exists. From the start, it would make a first failure final.",
  },
  { rule: "RDS10", path: /\/Replica\d+\/Resource$/, reason: "A replica has no data that its source does not have, and may be deleted." },
  { rule: "RDS13", path: /\/Instance\/Resource$/, reason: `${SPEC}: backupRetentionDays.` },
  { rule: "SMG4", path: /\/MasterSecret\/Resource$/, reason: "The stack with the rotation's function rotates it." },
];

/** Acknowledges each finding on the constructs that it is about, so that the same finding anywhere else is told. */
export function acknowledgeFindings(app: App): void {
  for (const construct of app.node.findAll()) {
    const path = `/${construct.node.path}`;
    for (const { rule, reason } of ACKNOWLEDGED.filter((each) => each.path.test(path)))
      Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
  }
}
