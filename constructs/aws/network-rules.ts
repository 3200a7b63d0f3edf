import { isPublic, nobodysNetwork, overlaps } from "../model/address";
import { violation } from "../model/errors";
import { idOf } from "../model/fields";
import { checkItems } from "../model/rule";
import type { WholeRule } from "../model/target";
import { ifReadable } from "../model/unreadable";
import { RDS_REGIONS } from "./rds-regions";
import { CHECKED, EXISTING, GUIDE, READ, refuseSource } from "./rules";
import type { AwsSettings, awsFields } from "./section";
import { CLUSTER, NETWORK, region } from "./section-rules";

const DESCRIBE_BLOCKS = "aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them";
/** CIDR blocks of a VPC, if AWS has raised the quota of 5. https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
const MOST_BLOCKS = 50;
const PRIVATE_NETWORK = "use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";

/** Whether a zone is outside the section's region; false if that region is malformed or unknown, which is reported once. */
const isElsewhere = (zone: string, section: AwsSettings): boolean =>
  RDS_REGIONS.includes(section.region) && !zone.startsWith(section.region);

type Instances = Parameters<WholeRule<typeof awsFields>["check"]>[0]["instances"];
/** Whether each instance already exists; null if that is malformed. */
const existingIn = (instances: Instances) => Object.values(instances).map((instance) => ifReadable(() => instance.existing !== null, null));
/** Whether an environment has only existing databases. */
const onlyExisting = (instances: Instances): boolean =>
  existingIn(instances).every((each) => each === true) && existingIn(instances).length > 0;

/** Rules about the network, alone and together with its content. */
export const awsNetworkRules: readonly WholeRule<typeof awsFields>[] = [
  {
    id: "aws-two-zones",
    source: `${GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html`,
    why: "RDS rejects a subnet group whose subnets are all in one zone.",
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
        return [violation(`aws.network.privateSubnets[${index}].id`, "must differ from the other subnets", id)];
      });
      const zones = ifReadable(() => subnets.map((subnet) => subnet.zone), null);
      if (elsewhere.length + twice.length > 0 || zones === null || new Set(zones).size > 1) return [...elsewhere, ...twice];
      return [violation("aws.network.privateSubnets", "must be in at least two zones", zones.join(", "), "add a subnet in another zone")];
    },
    passing: { section: { region, network: NETWORK } },
    failing: { section: { region, network: { ...NETWORK, privateSubnets: NETWORK.privateSubnets.slice(1) } } },
  },
  {
    id: "aws-existing-needs-its-network",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
    why: "The functions that provision would run in the new network, which has no route to the existing database.",
    date: READ,
    severity: "error",
    check: ({ section: { network }, instances }) =>
      network === null && [true, false].every((each) => existingIn(instances).includes(each))
        ? [
            violation(
              "aws.network",
              "must be the network of the existing database, because a new network cannot reach it",
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
    why: "A function outside the network cannot reach a private database, so nothing creates or rotates passwords automatically.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { network }, instances }) =>
      network === null && onlyExisting(instances)
        ? [
            violation(
              "aws.network",
              "is required for the functions that provision and rotate",
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
    why: "EC2 rejects such a network when it creates the VPC, and everything else depends on the VPC.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { vpcCidr } }) => {
      const rule = refuseSource(vpcCidr) ?? nobodysNetwork(vpcCidr);
      return rule === null ? [] : [violation("aws.vpcCidr", rule, vpcCidr, PRIVATE_NETWORK)];
    },
    passing: { section: { region, vpcCidr: "10.16.0.0/20" } },
    failing: { section: { region, vpcCidr: "10.16.1.0/20" } },
  },
  {
    id: "aws-new-network-is-private",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
    why: "EC2 accepts public addresses, but clients in such a network cannot reach the internet servers that own them.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { vpcCidr } }) =>
      isPublic(vpcCidr) && nobodysNetwork(vpcCidr) === null
        ? [
            violation(
              "aws.vpcCidr",
              "contains public addresses, whose owners cannot be reached from this network",
              vpcCidr,
              PRIVATE_NETWORK,
            ),
          ]
        : [],
    passing: { section: { region, vpcCidr: "172.31.0.0/16" } },
    failing: { section: { region, vpcCidr: "172.32.0.0/16" } },
  },
  {
    id: "aws-network-blocks-are-of-one-vpc",
    source: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
    why: "A VPC cannot have such blocks, so the endpoint's security group would admit clients outside the VPC, or be rejected.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { network } }) => {
      const cidrs = ifReadable(() => [...(network?.cidrs ?? [])], []);
      if (cidrs.length > MOST_BLOCKS)
        return [
          violation(
            "aws.network.cidrs",
            `must have at most ${MOST_BLOCKS} entries, the most that a VPC has`,
            cidrs.length,
            DESCRIBE_BLOCKS,
          ),
        ];
      return checkItems(cidrs, (cidr, index) => {
        const other = cidrs.slice(0, index).find((each) => overlaps(each, cidr));
        const rule = refuseSource(cidr) ?? nobodysNetwork(cidr) ?? (other === undefined ? null : `must not overlap ${other}`);
        return rule === null ? [] : [violation(`aws.network.cidrs[${index}]`, rule, cidr, DESCRIBE_BLOCKS)];
      });
    },
    passing: { section: { region, network: { ...NETWORK, cidrs: ["10.0.0.0/16", "10.1.0.0/16"] } } },
    failing: { section: { region, network: { ...NETWORK, cidrs: ["10.0.0.0/16", "10.0.128.0/17"] } } },
  },
  {
    id: "aws-endpoint-lets-the-network-in",
    source: "https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html",
    why: "The endpoint's private name immediately applies to the whole VPC, so clients that it does not admit lose access to Secrets Manager.",
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
                network === null ? "set network to the network that contains it" : "remove it, or set secretsManagerEndpoint to false",
              ),
            ]
          : [];
      return secretsManagerEndpoint && network?.cidrs.length === 0
        ? [
            violation(
              "aws.network.cidrs",
              "is required with secretsManagerEndpoint: its private DNS name applies to the whole VPC, and a client outside these blocks can no longer reach Secrets Manager",
              "none",
              DESCRIBE_BLOCKS,
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
    why: "AWS rejects a second endpoint with the same private DNS name in a VPC, and the deployment rolls back.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { network, secretsManagerEndpoint } }) =>
      network !== null && secretsManagerEndpoint
        ? [
            violation(
              "aws.secretsManagerEndpoint",
              "fails if the VPC already has an endpoint for Secrets Manager (conflicting DNS domain)",
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
    why: "RDS rejects a subnet group whose subnets are all in one zone, after the network has been created.",
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
    id: "aws-cluster-needs-its-network",
    source: "https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
    why: "Security groups admit each other only within one VPC, so pods elsewhere could not reach the database.",
    date: READ,
    severity: "error",
    check: ({ section: { cluster, network } }) =>
      cluster !== null && network === null
        ? [violation("aws.network", "must be the cluster's network", null, "write its VPC and private subnets, or remove cluster")]
        : [],
    passing: { section: { region, network: NETWORK, cluster: CLUSTER } },
    failing: { section: { region, cluster: CLUSTER } },
  },
];
