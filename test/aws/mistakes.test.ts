import { describe, expect, it } from "vitest";
import { diskLimitOf } from "../../constructs/aws/disk-limits";
import { aws } from "../../constructs/aws/target";
import { formatViolation } from "../../constructs/model/errors";
import { CLUSTER, minimalAws, NETWORK, resolveAws, withAws, withMain, withOwn } from "../fixtures/aws";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, aws as never).replace("invalid spec:\n", "");
const warned = (spec: Parameters<typeof resolveAws>[0]) => resolveAws(spec).warnings.map(formatViolation);

const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
const existing = (host: string, change = {}) => ({ existing: { host, masterSecret, ...change } });
const rds = (name: string, region = "eu-central-1") => `ml.${name}.${region}.rds.amazonaws.com`;

describe("a mistake in an instance on AWS", () => {
  it.each([
    [existing("db.example:5432"), 'existing.host: must be a DNS name or an address, without a port, got "db.example:5432"'],
    [existing("..."), 'existing.host: must be a DNS name or an address, without a port, got "..."'],
    [
      existing("localhost"),
      'existing.host: is the machine that resolves it, which in a cloud is each pod, got "localhost"; write the server\'s name or private address; then write acknowledge: { "aws-existing-is-not-this-machine": "<reason>" } [aws-existing-is-not-this-machine]',
    ],
    [
      existing("169.254.1.1"),
      'existing.host: is link-local (169.254.0.0/16), so no server can be reached there, got "169.254.1.1"; write the server\'s name or private address; then write acknowledge: { "aws-existing-is-not-this-machine": "<reason>" } [aws-existing-is-not-this-machine]',
    ],
    [
      existing(rds("proxy-a1b2")),
      "existing.host: is an RDS Proxy, which rejects every login that is not in one of its secrets, got \"ml.proxy-a1b2.eu-central-1.rds.amazonaws.com\"; write the instance's endpoint, or the cluster's writer endpoint [aws-existing-is-not-a-proxy]",
    ],
    [
      existing(rds("cluster-ro-a1b2")),
      'existing.host: is the reader endpoint of an Aurora cluster, which rejects writes once the cluster has a replica, got "ml.cluster-ro-a1b2.eu-central-1.rds.amazonaws.com"; write the writer endpoint, with cluster- instead of cluster-ro-; then write acknowledge: { "aws-existing-is-not-a-reader": "<reason>" } [aws-existing-is-not-a-reader]',
    ],
    [
      existing(rds("a1b2", "eu-west-1")),
      'existing.host: must be in eu-central-1, whose certificate authorities pods trust, got "ml.a1b2.eu-west-1.rds.amazonaws.com"; change aws.region, or write the server\'s authorities into existing.ca [aws-existing-is-in-the-region]',
    ],
    [
      existing("db.example", { ca: "-----BEGIN RSA PRIVATE KEY-----\nMII" }),
      "existing.ca: must not contain a private key, because every pod gets this file, got a string that may contain a password or a key; write the CA certificate [existing-ca-has-certificates-only]",
    ],
    [
      existing("db.example", { ca: "-----BEGIN CERTIFICATE REQUEST-----\nMII" }),
      "existing.ca: must contain only certificates, but contains a CERTIFICATE REQUEST, got a string that may contain a password or a key; write the CA certificate [existing-ca-has-certificates-only]",
    ],
    [{ allowedSources: ["010.0.0.0/8"] }, 'allowedSources[0]: must be a CIDR block such as 10.0.0.0/16, got "010.0.0.0/8"'],
    [
      { allowedSources: ["8.0.0.0/8", "9.0.0.0/8"] },
      'allowedSources: contains public networks that together are wider than a /8, got "2 networks"; name the clients\' networks [sources-are-not-the-world-in-parts]',
    ],
    [
      { allowedSources: Array.from({ length: 56 }, (_, index) => `10.${index}.0.0/16`) },
      'allowedSources: must be at most 55, because a security group has 60 rules unless AWS has raised that, got 56; combine adjacent networks; then write acknowledge: { "aws-sources-fit-a-security-group": "<reason>" } [aws-sources-fit-a-security-group]',
    ],
    [
      { maintenanceWindow: "sun:05:00-sun:04:00", backupWindow: "04:15-04:45" },
      'maintenanceWindow: must not be longer than 24 hours, got "sun:05:00-sun:04:00"; write the earlier time first, such as sun:04:00-sun:05:00 [maintenance-ends-within-a-day]\n  - instances.main.backupWindow: must not overlap maintenanceWindow (sun:05:00-sun:04:00), got "04:15-04:45"; move one of the two [aws-windows-are-half-an-hour-and-apart]',
    ],
  ])("%j is refused", (change, message) => {
    expect(refused(withMain(minimalAws, change))).toBe(`  - instances.main.${message}`);
  });

  it.each([
    [
      { allowedSources: ["127.0.0.0/8", "10.0.0.0/8"] },
      'allowedSources[0]: is loopback (127.0.0.0/8), so no client connects from there, got "127.0.0.0/8"; name the clients\' network [aws-sources-have-clients]',
    ],
    [
      { allowedSources: ["10.0.0.0/8", "203.0.113.7/32"] },
      'allowedSources: contains public networks, but a database has only a private address, got "203.0.113.7/32"; name the clients\' private network, unless your network uses these addresses internally [aws-sources-are-private]',
    ],
    [
      { storageGib: 300, maxStorageGib: 600 },
      "maxStorageGib: lets the disk grow past 400 GiB, where RDS moves the data to four volumes and slows the disk for hours, got 600; set storageGib (300) to 400 now, or maxStorageGib to 399 or less [aws-ceilings-do-not-cross-the-stripes]",
    ],
    [
      { backupRetentionDays: 0, pointInTimeRecovery: false, highAvailability: false },
      "backupRetentionDays: keeps no backups, so deleted data is lost, got 0; keep them for at least 1 day, unless the data can be recreated [aws-backups-are-kept]",
    ],
    [
      { backupRetentionDays: 0, pointInTimeRecovery: false },
      "backupRetentionDays: keeps no backups, and the standby of highAvailability repeats each deletion, got 0; keep them for at least 1 day, unless the data can be recreated [aws-backups-are-kept]",
    ],
    [
      { storageGib: 400, iops: 64_000 },
      "iops: is more than db.m7g.large can use (40000), and is billed anyway, got 64000; lower it, or choose a larger size [aws-classes-reach-their-disks]",
    ],
    [
      { size: { vcpus: 2, memoryGib: 4 } },
      'size: is a burstable class with highAvailability: RDS bills all work above a baseline of 10 to 40 % of its CPU, got "db.t4g.medium"; use a class with full CPU, such as db.m7g.large [aws-burstable-classes-are-for-development]',
    ],
    [
      { backupReplication: { region: "af-south-1", kmsKey: "arn:aws:kms:af-south-1:111122223333:key/0a1b2c3d" } },
      'backupReplication.region: is not known to receive backups from eu-central-1, got "af-south-1"; aws rds describe-source-regions --region af-south-1 lists the regions that it receives them from [aws-backups-go-to-a-known-region]',
    ],
  ])("%j is warned of", (change, message) => {
    expect(warned(withMain(minimalAws, change))).toEqual([`instances.main.${message}`]);
  });

  it("stands where it is written, in the section of AWS", () => {
    expect(
      warned(
        withOwn(minimalAws, {
          class: "db.t3.large",
          storageGib: 300,
          maxStorageGib: 600,
          backupRetentionDays: 0,
          pointInTimeRecovery: false,
        }),
      ),
    ).toEqual([
      expect.stringContaining("aws.instances.main.class: is a burstable class with highAvailability"),
      expect.stringContaining("aws.instances.main.backupRetentionDays: keeps no backups"),
      expect.stringContaining("aws.instances.main.maxStorageGib: lets the disk grow past 400 GiB"),
    ]);
  });

  it.each([
    {},
    { storageGib: 100 },
    { storageGib: 100, maxStorageGib: 399 },
    { storageGib: 400, maxStorageGib: 800, iops: 40_000, throughputMibps: 1_250 },
    { size: { vcpus: 2, memoryGib: 4 }, highAvailability: false },
    { backupRetentionDays: 1 },
    { allowedSources: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.19.0.0/16"] },
    { maintenanceWindow: "mon:00:00-mon:03:00", backupWindow: "03:00-06:00" },
    existing(rds("a1b2")),
    existing(rds("cluster-a1b2")),
    existing(rds("a1b2", "eu-west-1"), { ca: "eu-west-1.pem" }),
    existing("10.1.2.3", { ca: "ca.pem" }),
    existing("db.example.internal", { ca: "ca.pem" }),
  ])("is not %j", (change) => {
    expect(warned(withMain(minimalAws, change))).toEqual([]);
  });
});

describe("a mistake in the section of AWS", () => {
  it.each([
    [
      { network: null, vpcCidr: "127.0.0.0/16" },
      'vpcCidr: is loopback (127.0.0.0/8), got "127.0.0.0/16"; use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 [aws-new-network-has-addresses]',
    ],
    [{ network: null, vpcCidr: "10.01.0.0/16" }, 'vpcCidr: must be a CIDR block of /16 to /24, got "10.01.0.0/16"'],
    [
      { network: { ...NETWORK, cidrs: ["10.0.0.0/16", "10.0.128.0/17"] } },
      "network.cidrs[1]: must not overlap 10.0.0.0/16, got \"10.0.128.0/17\"; aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them [aws-network-blocks-are-of-one-vpc]",
    ],
    [
      { network: { ...NETWORK, cidrs: ["10.0.1.0/16"] } },
      "network.cidrs[0]: must begin at the network's first address (/16), got \"10.0.1.0/16\"; aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them [aws-network-blocks-are-of-one-vpc]",
    ],
    [
      { network: { ...NETWORK, cidrs: Array.from({ length: 51 }, (_, index) => `10.${index}.0.0/16`) } },
      "network.cidrs: must have at most 50 entries, the most that a VPC has, got 51; aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them [aws-network-blocks-are-of-one-vpc]",
    ],
    [
      { cluster: { ...CLUSTER, oidcProvider: CLUSTER.oidcProvider.replace("eu-central-1", "us-east-1") } },
      'cluster.oidcProvider: must belong to a cluster in eu-central-1, because security groups admit each other only within a region, got "us-east-1"; name a cluster in that region, or change aws.region [aws-cluster-is-in-the-region]',
    ],
    [
      { certificateAuthorities: "-----BEGIN PRIVATE KEY-----" },
      "certificateAuthorities: must not contain a private key, because every pod gets this file, got a string that may contain a password or a key; save the region's bundle next to the environment's file, and write its file name [aws-authorities-have-certificates-only]",
    ],
  ])("%j is refused", (change, message) => {
    expect(refused(withAws(minimalAws, change as never))).toBe(`  - aws.${message}`);
  });

  it("is a network of public addresses, which is warned of", () => {
    expect(warned(withAws(minimalAws, { network: null, vpcCidr: "8.0.0.0/16" }))).toEqual([
      'aws.vpcCidr: contains public addresses, whose owners cannot be reached from this network, got "8.0.0.0/16"; use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 [aws-new-network-is-private]',
    ]);
  });

  it("is not a server of another region whose authorities the section names", () => {
    const spec = withMain(minimalAws, existing(rds("a1b2", "eu-west-1")));
    expect(warned(withAws(spec as never, { certificateAuthorities: "global-bundle.pem" }))).toEqual([]);
  });

  it("is not a cluster whose issuer names no region", () => {
    const oidcProvider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/ml";
    expect(warned(withAws(minimalAws, { cluster: { ...CLUSTER, oidcProvider } }))).toEqual([]);
  });
});

describe("an instance without a platform", () => {
  it("is warned of, unless nothing has a platform yet", () => {
    const instances = { main: {}, spare: {} };
    expect(warned({ ...minimalAws, instances, platforms: { prefect: { instance: "main" } } })).toEqual([
      'instances.spare: has no platform; write instance: "spare" into a platform, or remove it [instance-has-a-platform]',
    ]);
    expect(warned({ ...minimalAws, instances, platforms: {} })).toEqual([]);
  });
});

describe("a class's disk", () => {
  it.each([
    ["db.t4g.micro", 11_800, 260],
    ["db.t3.2xlarge", 15_700, 347],
    ["db.m5.4xlarge", 18_750, 593],
    ["db.r6g.12xlarge", 50_000, 1_781],
    ["db.m7i.16xlarge", 80_000, 2_500],
  ])("of %s reaches %i operations and %i MiB/s", (name, iops, throughputMibps) => {
    expect(diskLimitOf(name)).toEqual({ iops, throughputMibps });
  });

  it.each(["db.m6in.large", "db.r5b.large", "db.m7i.48xlarge", "db.x9.large"])("of %s is not limited below what RDS takes", (name) => {
    expect(diskLimitOf(name)).toBeNull();
  });
});
