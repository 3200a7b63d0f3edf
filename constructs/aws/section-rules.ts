import { refuseExternalSecrets, unusedVersions } from "../kubernetes/operators";
import { type Violation, violation } from "../model/errors";
import { idOf } from "../model/fields";
import { ownEntry } from "../model/json";
import { checkEach, checkItems } from "../model/rule";
import { suggestRegion } from "../model/suggest";
import type { WholeRule } from "../model/target";
import { ifReadable } from "../model/unreadable";
import { bundleOf, RDS_REGIONS } from "./rds-regions";
import { REGIONS } from "./regions";
import { CHECKED, EXISTING, GUIDE, READ, refuseSource } from "./rules";
import { type AwsSettings, awsFields } from "./section";

const KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
const NETWORK = {
  vpc: "vpc-0a1b2c3d4e5f60718",
  privateSubnets: [
    { id: "subnet-0a1b2c3d4e5f60711", zone: "eu-central-1a" },
    { id: "subnet-0a1b2c3d4e5f60712", zone: "eu-central-1b" },
  ],
};
const CLUSTER = {
  name: "ml",
  securityGroups: ["sg-0a1b2c3d"],
  clusterSecurityGroup: "sg-0a1b2c3e",
  oidcProvider: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B",
};
const region = "eu-central-1";

const unused = (path: string, why: string): Violation => ({ path, rule: `has no effect ${why}`, got: null, remedy: "" });

/** Whether a zone lies in another region than its section; no if that region is malformed or unknown, which is reported once. */
const isElsewhere = (zone: string, section: AwsSettings): boolean =>
  RDS_REGIONS.includes(section.region) && !zone.startsWith(section.region);

type Instances = Parameters<WholeRule<typeof awsFields>["check"]>[0]["instances"];
/** Whether each instance exists already; null where that is malformed. */
const existingIn = (instances: Instances) => Object.values(instances).map((instance) => ifReadable(() => instance.existing !== null, null));
/** Whether an environment has databases, and creates none. */
const onlyExisting = (instances: Instances): boolean =>
  existingIn(instances).every((each) => each === true) && existingIn(instances).length > 0;

/** About the section `aws`, alone and together with instances. */
export const awsWholeRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-region-of-rds",
    source: `${GUIDE}/UsingWithRDS.SSL.html`,
    date: READ,
    severity: "error",
    check: ({ section: { region: its, certificateAuthorities }, instances }) => {
      if (!RDS_REGIONS.includes(its)) return [violation("aws.region", "must be a region of RDS", its, suggestRegion(its, RDS_REGIONS))];
      const isKnown = REGIONS.includes(its) || certificateAuthorities !== null;
      // An existing database may bring its own.
      const isNeeded = Object.values(instances).some((instance) => ifReadable(() => (instance.existing?.ca ?? null) === null, false));
      return isKnown || !isNeeded
        ? []
        : [
            {
              path: "aws.certificateAuthorities",
              rule: `is required in ${its}, whose certificate authorities this project does not know yet`,
              got: null,
              remedy: `save ${bundleOf(its)} beside the environment's file, and write its name`,
            },
          ];
    },
    passing: { section: { region: "il-central-1", certificateAuthorities: "il-central-1-bundle.pem" }, instances: { main: {} } },
    failing: { section: { region: "il-central-1" }, instances: { main: {} } },
  },
  {
    id: "aws-two-zones",
    source: `${GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html`,
    date: READ,
    severity: "error",
    check: ({ section }) => {
      if (section.network === null) return [];
      const { privateSubnets: subnets } = section.network;
      const elsewhere = checkItems(subnets, ({ zone }, index) =>
        isElsewhere(zone, section)
          ? [violation(`aws.network.privateSubnets[${index}].zone`, `must be a zone of ${section.region}`, zone)]
          : [],
      );
      const seen = new Set<string>();
      const twice = checkItems(subnets, (subnet, index) => {
        const id = idOf(subnet.id);
        if (!seen.has(id)) {
          seen.add(id);
          return [];
        }
        return [violation(`aws.network.privateSubnets[${index}].id`, "must be another subnet", id)];
      });
      const zones = ifReadable(() => subnets.map((subnet) => subnet.zone), null);
      if (elsewhere.length + twice.length > 0 || zones === null || new Set(zones).size > 1) return [...elsewhere, ...twice];
      return [violation("aws.network.privateSubnets", "must lie in two zones or more", zones.join(", "), "add a subnet of another zone")];
    },
    passing: { section: { region, network: NETWORK } },
    failing: { section: { region, network: { ...NETWORK, privateSubnets: NETWORK.privateSubnets.slice(1) } } },
  },
  {
    id: "aws-existing-needs-its-network",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    date: READ,
    severity: "error",
    check: ({ section: { network }, instances }) =>
      network === null && [true, false].every((each) => existingIn(instances).includes(each))
        ? [
            violation(
              "aws.network",
              "must be the network of the existing database: a network that is created does not reach it",
              null,
              "write its VPC and private subnets, or move the existing databases to a separate environment",
            ),
          ]
        : [],
    passing: { section: { region }, instances: { main: { existing: EXISTING }, other: { existing: EXISTING } } },
    failing: { section: { region }, instances: { main: { existing: EXISTING }, other: {} } },
  },
  {
    id: "aws-without-network-is-provisioned-by-hand",
    source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { network }, instances }) =>
      network === null && onlyExisting(instances)
        ? [
            violation(
              "aws.network",
              "is required if a function is to provision and rotate",
              null,
              "without it, provision by hand after each deployment, and rotate passwords yourself",
            ),
          ]
        : [],
    passing: { section: { region, network: NETWORK }, instances: { main: { existing: EXISTING } } },
    failing: { section: { region }, instances: { main: { existing: EXISTING } } },
  },
  {
    id: "aws-new-network-has-addresses",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
    date: READ,
    severity: "error",
    check: ({ section: { vpcCidr } }) => {
      const rule = refuseSource(vpcCidr);
      return rule === null ? [] : [violation("aws.vpcCidr", rule, vpcCidr)];
    },
    passing: { section: { region, vpcCidr: "10.16.0.0/20" } },
    failing: { section: { region, vpcCidr: "10.16.1.0/20" } },
  },
  {
    id: "aws-cluster-is-let-in",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html",
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
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) =>
      cluster?.installReleases && cluster.clusterSecurityGroup === null
        ? [
            violation(
              "aws.cluster.clusterSecurityGroup",
              "is required with installReleases: only its members are sure to reach the cluster's endpoint",
              null,
              "aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig.clusterSecurityGroupId shows it",
            ),
          ]
        : [],
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, clusterSecurityGroup: null } } },
  },
  {
    id: "aws-endpoint-lets-the-network-in",
    source: "https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html",
    date: CHECKED,
    severity: "error",
    check: ({ section: { network, secretsManagerEndpoint, existingSecretsManagerEndpoint } }) => {
      if (existingSecretsManagerEndpoint !== null)
        return network === null || secretsManagerEndpoint
          ? [
              violation(
                "aws.existingSecretsManagerEndpoint",
                "must be null if an endpoint is created: AWS allows one private DNS name of Secrets Manager in a VPC",
                idOf(existingSecretsManagerEndpoint),
                network === null ? "name the network that it is in" : "remove it, or set secretsManagerEndpoint to false",
              ),
            ]
          : [];
      return secretsManagerEndpoint && network?.cidrs.length === 0
        ? [
            violation(
              "aws.network.cidrs",
              "is required with secretsManagerEndpoint: its private DNS name applies to the whole VPC, and a client outside these blocks can no longer reach Secrets Manager",
              "none",
              "aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them",
            ),
          ]
        : [];
    },
    passing: { section: { region, secretsManagerEndpoint: true, network: { ...NETWORK, cidrs: ["10.0.0.0/16"] } } },
    failing: { section: { region, secretsManagerEndpoint: true, network: NETWORK } },
  },
  {
    id: "aws-one-secrets-manager-endpoint",
    source: "https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { network, secretsManagerEndpoint } }) =>
      network !== null && secretsManagerEndpoint
        ? [
            violation(
              "aws.secretsManagerEndpoint",
              "fails if the VPC already has an endpoint of Secrets Manager (conflicting DNS domain)",
              true,
              "if it has one, name its security group in existingSecretsManagerEndpoint instead",
            ),
          ]
        : [],
    passing: { section: { region, network: NETWORK } },
    failing: { section: { region, secretsManagerEndpoint: true, network: { ...NETWORK, cidrs: ["10.0.0.0/16"] } } },
  },
  {
    id: "aws-new-network-has-two-zones",
    source: `${GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html`,
    date: CHECKED,
    severity: "error",
    check: ({ section }) => {
      const elsewhere = checkItems(section.zones, (zone, index) =>
        isElsewhere(zone, section) ? [violation(`aws.zones[${index}]`, `must be a zone of ${section.region}`, zone)] : [],
      );
      const zones = ifReadable(() => [...section.zones], []);
      if (elsewhere.length > 0 || zones.length === 0 || (zones.length > 1 && new Set(zones).size === zones.length)) return elsewhere;
      return [violation("aws.zones", "must be two or more different zones", zones.join(", "))];
    },
    passing: { section: { region, zones: ["eu-central-1a", "eu-central-1c"] } },
    failing: { section: { region, zones: ["eu-central-1a"] } },
  },
  {
    id: "aws-settings-have-an-effect",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/helm.html",
    date: READ,
    severity: "warning",
    check: ({ section: { network, vpcCidr, zones, cluster } }) => [
      ...(network !== null && vpcCidr !== awsFields.vpcCidr.default ? [unused("aws.vpcCidr", "with network")] : []),
      ...(network !== null && zones.length > 0 ? [unused("aws.zones", "with network")] : []),
      ...(["installExternalSecrets", "installReloader"] as const)
        .filter((field) => cluster?.installReleases === false && cluster[field])
        .map((field) => unused(`aws.cluster.${field}`, "with installReleases: false")),
      ...(cluster === null ? [] : unusedVersions(cluster, "aws.cluster")),
    ],
    passing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true } } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, installReloader: true, installReleases: false } } },
  },
  {
    id: "aws-external-secrets-has-our-api",
    source: "https://github.com/external-secrets/external-secrets/releases/tag/v0.16.0",
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
    id: "aws-cluster-needs-its-network",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
    date: READ,
    severity: "error",
    check: ({ section: { cluster, network } }) =>
      cluster !== null && network === null
        ? [violation("aws.network", "must be the cluster's network", null, "write its VPC and private subnets, or remove cluster")]
        : [],
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, cluster: CLUSTER } },
  },
  {
    id: "aws-things-stand-in-the-region",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",
    date: READ,
    severity: "error",
    check: ({ section, instances }) => {
      const { region: its } = section;
      // A region that is unknown, or a text that is not an ARN, has its own rule.
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
        return [violation(`aws.cluster.securityGroups[${index}]`, "is named twice, and EC2 rejects the same rule twice", id, "remove it")];
      });
    },
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, network: NETWORK, cluster: { ...CLUSTER, securityGroups: ["sg-0a1b2c3d", "sg-0a1b2c3d"] } } },
  },
  {
    id: "aws-oidc-provider-is-in-the-account",
    source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    date: CHECKED,
    severity: "error",
    check: ({ section: { account, cluster } }) => {
      const its = cluster === null ? null : idOf(cluster.oidcProvider).split(":")[4];
      return account === null || its === null || its === idOf(account)
        ? []
        : [
            violation(
              "aws.cluster.oidcProvider",
              `must be in account ${idOf(account)}, whose roles the pods take: a role can trust providers of the same account only`,
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
