import { RELOADER_WHY, refuseExternalSecrets, refuseReloader, unusedOperators, unusedVersions } from "../kubernetes/operators";
import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import { ownEntry } from "../model/json";
import { checkEach, checkItems } from "../model/rule";
import { suggestRegion } from "../model/suggest";
import type { WholeRule } from "../model/target";
import { ifReadable } from "../model/unreadable";
import { bundleOf, RDS_REGIONS } from "./rds-regions";
import { REGIONS } from "./regions";
import { CHECKED, EXISTING, GUIDE, READ } from "./rules";
import { awsFields } from "./section";

const KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
export const NETWORK = {
  vpc: "vpc-0a1b2c3d4e5f60718",
  privateSubnets: [
    { id: "subnet-0a1b2c3d4e5f60711", zone: "eu-central-1a" },
    { id: "subnet-0a1b2c3d4e5f60712", zone: "eu-central-1b" },
  ],
};
export const CLUSTER = {
  name: "ml",
  securityGroups: ["sg-0a1b2c3d"],
  clusterSecurityGroup: "sg-0a1b2c3e",
  oidcProvider: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B",
};
export const region = "eu-central-1";

const unused = (path: string, why: string): Violation => ({ path, rule: `has no effect ${why}`, got: null, remedy: "" });

/** Rules about the section `aws`, alone and together with instances. */
export const awsWholeRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-region-of-rds",
    source: `${GUIDE}/UsingWithRDS.SSL.html`,
    why: "In an unknown region nothing can be deployed, and without the region's authorities no client can verify the server.",
    date: READ,
    severity: "error",
    check: ({ section: { region: its, certificateAuthorities }, instances }) => {
      if (!RDS_REGIONS.includes(its)) return [violation("aws.region", "must be an RDS region", its, suggestRegion(its, RDS_REGIONS))];
      const isKnown = REGIONS.includes(its) || certificateAuthorities !== null;
      // An existing database may have its own.
      const isNeeded = Object.values(instances).some((instance) => ifReadable(() => (instance.existing?.ca ?? null) === null, false));
      return isKnown || !isNeeded
        ? []
        : [
            {
              path: "aws.certificateAuthorities",
              rule: `is required in ${its}, whose certificate authorities this project does not know yet`,
              got: null,
              remedy: `save ${bundleOf(its)} next to the environment's file, and write its file name`,
            },
          ];
    },
    passing: { section: { region: "il-central-1", certificateAuthorities: "il-central-1-bundle.pem" }, instances: { main: {} } },
    failing: { section: { region: "il-central-1" }, instances: { main: {} } },
  },
  {
    id: "aws-cluster-is-let-in",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html",
    why: "A database whose security group names no client admits nobody, so every platform times out.",
    date: READ,
    severity: "error",
    check: ({ section: { cluster } }) =>
      cluster !== null && cluster.securityGroups.length === 0
        ? [
            violation(
              "aws.cluster.securityGroups",
              "must name at least one",
              "none",
              "write the group of the cluster, its nodes or its pods",
            ),
          ]
        : [],
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, securityGroups: [] } } },
  },
  {
    id: "aws-releases-reach-the-cluster",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html",
    why: "The function that installs releases connects to the cluster's private endpoint, which admits members of this group.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) =>
      cluster?.installReleases && cluster.clusterSecurityGroup === null
        ? [
            violation(
              "aws.cluster.clusterSecurityGroup",
              "is required with installReleases, because only its members can always reach the cluster's endpoint",
              null,
              "aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig.clusterSecurityGroupId shows it",
            ),
          ]
        : [],
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, clusterSecurityGroup: null } } },
  },
  {
    id: "aws-settings-have-an-effect",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/helm.html",
    why: "Without a warning, a person would wait for an effect that the setting never has.",
    date: READ,
    severity: "warning",
    check: ({ section: { network, vpcCidr, zones, cluster } }) => [
      ...(network !== null && vpcCidr !== awsFields.vpcCidr.default ? [unused("aws.vpcCidr", "with network")] : []),
      ...(network !== null && zones.length > 0 ? [unused("aws.zones", "with network")] : []),
      ...(cluster === null ? [] : [...unusedOperators(cluster, "aws.cluster"), ...unusedVersions(cluster, "aws.cluster")]),
    ],
    passing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true } } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true, installReleases: false } } },
  },
  {
    id: "aws-external-secrets-has-our-api",
    source: "https://github.com/external-secrets/external-secrets/releases/tag/v0.16.0",
    why: "Older versions do not have the API that the manifests use, so the cluster rejects them.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) =>
      cluster === null ? [] : refuseExternalSecrets(cluster, "aws.cluster", "0.16.0", "external-secrets.io/v1"),
    passing: {
      section: { region, network: NETWORK, cluster: { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.16.0" } },
    },
    failing: {
      section: { region, network: NETWORK, cluster: { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.15.1" } },
    },
  },
  {
    id: "aws-reloader-fits-kubernetes",
    source: "https://github.com/stakater/Reloader/commit/faf27c2d5d04d8097b288dc8f6569a340ea4593e",
    why: RELOADER_WHY,
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) => (cluster === null ? [] : refuseReloader(cluster, "aws.cluster")),
    passing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true, reloaderVersion: "1.0.0" } } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true, reloaderVersion: "0.0.50" } } },
  },
  {
    id: "aws-things-stand-in-the-region",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",
    why: "RDS, CloudWatch and Secrets Manager use keys, topics and secrets of the same region only, and reject others.",
    date: READ,
    severity: "error",
    check: ({ section, instances }) => {
      const { region: its } = section;
      // An unknown region, or text that is not an ARN, has its own rule.
      if (!RDS_REGIONS.includes(its)) return [];
      const checkArn = (path: string, arn: string | null) =>
        arn?.startsWith("arn:") && arn.split(":")[3] !== its ? [violation(path, `must be in ${its}`, arn)] : [];
      return [
        ...checkItems(["kmsKey", "alarmTopic"] as const, (field) => checkArn(`aws.${field}`, section[field] && idOf(section[field]))),
        ...checkEach(instances, ({ existing }, name) =>
          checkArn(`instances.${name}.existing.masterSecret`, existing?.masterSecret ?? null),
        ),
      ];
    },
    passing: { section: { region, kmsKey: KEY } },
    failing: { section: { region: "eu-west-1", kmsKey: KEY } },
  },
  {
    id: "aws-security-groups-are-named-once",
    source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html",
    why: "EC2 rejects the second rule as a duplicate, and the deployment rolls back.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) => {
      const seen = new Set<string>();
      return checkItems(cluster?.securityGroups ?? [], (group, index) => {
        const id = idOf(group);
        if (!seen.has(id)) {
          seen.add(id);
          return [];
        }
        return [violation(`aws.cluster.securityGroups[${index}]`, "is listed twice, and EC2 rejects duplicate rules", id, "remove it")];
      });
    },
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, securityGroups: ["sg-0a1b2c3d", "sg-0a1b2c3d"] } } },
  },
  {
    id: "aws-oidc-provider-is-in-the-account",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    why: "IAM accepts a role that trusts a provider of another account, but no pod can assume it.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { account, cluster } }) => {
      const its = cluster === null ? null : idOf(cluster.oidcProvider).split(":")[4];
      return account === null || its === null || its === idOf(account)
        ? []
        : [
            violation(
              "aws.cluster.oidcProvider",
              `must be in account ${idOf(account)}, because the pods assume roles there, and a role trusts only providers of the same account`,
              its,
              "create a provider with the cluster's issuer URL there: aws iam create-open-id-connect-provider",
            ),
          ];
    },
    passing: { section: { region, account: "111122223333", network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, account: "999999999999", network: NETWORK, cluster: CLUSTER } },
  },
  {
    id: "aws-backups-go-elsewhere",
    source: `${GUIDE}/USER_ReplicateBackups.html`,
    why: "RDS rejects copying backups to the region that they are already in.",
    date: READ,
    severity: "error",
    check: ({ section, instances }) =>
      checkEach(instances, ({ backupReplication, existing }, name) =>
        existing === null && backupReplication?.region === section.region
          ? [violation(`instances.${name}.backupReplication.region`, "must differ from the database's region", section.region)]
          : [],
      ),
    passing: { section: { region }, instances: { main: { backupReplication: { region: "eu-west-1", kmsKey: null } } } },
    failing: { section: { region }, instances: { main: { backupReplication: { region, kmsKey: null } } } },
  },
  {
    id: "aws-existing-security-groups-name-instances",
    source: `${GUIDE}/Overview.RDSSecurityGroups.html`,
    why: "The group would get no rule, so provisioning could not reach the intended database.",
    date: READ,
    severity: "error",
    check: ({ section, instances }) =>
      checkEach(section.existingSecurityGroups, (_group, name) =>
        ownEntry(instances, name)?.existing
          ? []
          : [violation(`aws.existingSecurityGroups.${name}`, "must name an instance with existing", name)],
      ),
    passing: { section: { region, existingSecurityGroups: { main: "sg-0a1b2c3d" } }, instances: { main: { existing: EXISTING } } },
    failing: { section: { region, existingSecurityGroups: { main: "sg-0a1b2c3d" } }, instances: { main: {} } },
  },
];
