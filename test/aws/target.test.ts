import { describe, expect, it } from "vitest";
import { CLASSES, classAbove, classOf, connectionsOf, maxConnectionsFormula } from "../../constructs/aws/classes";
import { performanceOf } from "../../constructs/aws/storage";
import { aws } from "../../constructs/aws/target";
import { formatViolation } from "../../constructs/model/errors";
import type { InstanceSettings } from "../../constructs/model/instance";
import { overlap, spanOf } from "../../constructs/model/windows";
import { CLUSTER, minimalAws, NETWORK, resolveAws, withAws, withMain } from "../fixtures/aws";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, aws as never).replace("invalid spec:\n", "");
const main = (change: object): string => refused(withMain(minimalAws, change));

describe("classes", () => {
  it("have each size once", () => {
    expect(new Set(CLASSES.map(({ vcpus, memoryGib }) => `${vcpus}/${memoryGib}`)).size).toBe(CLASSES.length);
  });

  it.each([
    [2, 1, "db.t4g.micro"],
    [2, 8, "db.m7g.large"],
    [8, 64, "db.r7g.2xlarge"],
    [64, 512, "db.r7g.16xlarge"],
  ])("of %i vCPUs and %i GiB is %s", (vcpus, memoryGib, name) => {
    expect(classOf({ vcpus, memoryGib })?.name).toBe(name);
  });

  it.each([
    [3, 8, "db.m7g.xlarge"],
    [1, 1, "db.t4g.micro"],
    [2, 9, "db.r7g.large"],
    [65, 8, undefined],
  ])("above %i vCPUs and %i GiB is %s", (vcpus, memoryGib, name) => {
    expect(classAbove({ vcpus, memoryGib })?.name).toBe(name);
  });

  it.each([
    [1, 80],
    [4, 420],
    [8, 870],
    [64, 5000],
  ])("with %i GiB have %i connections", (memoryGib, connections) => {
    expect(connectionsOf(memoryGib)).toBe(connections);
  });
});

describe("max_connections", () => {
  /** What RDS computes for a class: a quarter of a gibibyte and more of its memory is not the database's. */
  const computed = (formula: string, memoryGib: number) => {
    const [, divisor = "", most = ""] = /^LEAST\(\{DBInstanceClassMemory\/(\d+)\},(\d+)\)$/.exec(formula) ?? [];
    return Math.min(Math.floor(((memoryGib * 1024 - 290) * 2 ** 20) / Number(divisor)), Number(most));
  };

  it("is exactly the number on the class that it is for, whether RDS's or the spec's", () => {
    for (const { memoryGib } of CLASSES) {
      const connections = connectionsOf(memoryGib);
      for (const wanted of [20, connections, 5000])
        expect([memoryGib, computed(maxConnectionsFormula(wanted, memoryGib), memoryGib)]).toEqual([memoryGib, wanted]);
    }
  });

  it("does not start a smaller class with a larger one's number, while the change of the class waits for its window", () => {
    const larger = maxConnectionsFormula(connectionsOf(64), 64);
    expect(connectionsOf(64)).toBe(5000);
    // RDS's own default: what 4 GiB are given anyway, and no less than they had.
    expect(computed(larger, 4)).toBe(computed("LEAST({DBInstanceClassMemory/9531392},5000)", 4));
    expect(computed(maxConnectionsFormula(420, 4), 64)).toBe(420);
  });
});

describe("storage", () => {
  const of = (change: Partial<InstanceSettings>) =>
    performanceOf({ storageGib: 400, iops: null, throughputMibps: null, ...change } as InstanceSettings);

  it("is given nothing below 400 GiB, and the floor from there on", () => {
    expect(of({ storageGib: 399 })).toBeNull();
    expect(of({})).toEqual({ iops: 12000, throughputMibps: 500 });
    expect(of({ iops: 16000 })).toEqual({ iops: 16000, throughputMibps: 500 });
    expect(of({ throughputMibps: 1000 })).toEqual({ iops: 12000, throughputMibps: 1000 });
  });
});

describe("windows", () => {
  it.each([
    ["02:00-03:00", "sun:04:00-sun:05:00", false],
    ["03:00-04:00", "sun:04:00-sun:05:00", false],
    ["05:00-06:00", "sun:04:00-sun:05:00", false],
    ["03:30-04:01", "sun:04:00-sun:05:00", true],
    ["23:30-00:30", "mon:00:00-mon:01:00", true],
    ["23:30-00:30", "sun:23:45-mon:00:15", true],
    ["12:00-13:00", "sat:23:00-sun:13:00", true],
    ["00:00-00:30", "tue:00:30-tue:01:00", false],
  ])("%s and %s overlap: %s", (backup, maintenance, expected) => {
    expect(overlap(spanOf(backup), spanOf(maintenance))).toBe(expected);
  });
});

describe("a spec for AWS", () => {
  it("is complete with a region alone", () => {
    expect(resolveAws({ ...minimalAws, aws: { region: "eu-west-3" } }).section).toEqual({
      region: "eu-west-3",
      certificateAuthorities: null,
      account: null,
      network: null,
      vpcCidr: "10.0.0.0/16",
      zones: [],
      secretsManagerEndpoint: false,
      existingSecretsManagerEndpoint: null,
      cluster: null,
      kmsKey: null,
      alarmTopic: null,
      existingSecurityGroups: {},
      applyImmediately: false,
      logRetentionDays: 90,
      rotationDays: 30,
      instances: {
        main: {
          class: null,
          version: null,
          subnetGroup: null,
          parameterGroup: null,
          restoredFrom: null,
          identifier: null,
          monitoringIntervalSeconds: 60,
          finalSnapshot: null,
        },
      },
    });
  });

  it("rejects another tool's name of a key, and suggests its own", () => {
    const spec = { ...minimalAws, aws: { ...minimalAws.aws, vpcId: "vpc-1", kms_key_id: "k", network: { ...NETWORK, vpcId: "x" } } };
    expect(refused(spec)).toBe(`  - aws.vpcId: unknown key; use network.vpc
  - aws.kms_key_id: unknown key; use kmsKey
  - aws.network.vpcId: unknown key; did you mean "vpc"?`);
  });

  it("resolves to itself, examples and all", () => {
    const spec = withAws(minimalAws, { account: { example: "111122223333" }, cluster: CLUSTER });
    const environment = resolveAws(spec);
    expect(resolveAws(environment.spec as never)).toEqual(environment);
  });

  it.each([
    [
      { size: { vcpus: 3, memoryGib: 8 } },
      'instances.main.size: must be the size of an instance class, got "3 vCPUs and 8 GiB"; the next is { vcpus: 4, memoryGib: 16 } (db.m7g.xlarge); or name any class in aws.instances.main.class [aws-size-has-a-class]',
    ],
    [
      { iops: 12000 },
      "instances.main.iops: cannot be set below 400 GiB, got 12000; remove it, or set storageGib (100) to 400 or more [aws-small-volumes-have-fixed-performance]",
    ],
    [
      { throughputMibps: 500 },
      "instances.main.throughputMibps: cannot be set below 400 GiB, got 500; remove it, or set storageGib (100) to 400 or more [aws-small-volumes-have-fixed-performance]",
    ],
    [
      { storageGib: 400, iops: 3000 },
      "instances.main.iops: must be from 12000 to 64000 on a volume of 400 GiB or more, got 3000 [aws-large-volumes-have-a-floor]",
    ],
    [
      { storageGib: 400, throughputMibps: 4000 },
      "instances.main.iops: must be at least 16000, 4 operations per MiB/s of throughputMibps, got 12000 [aws-large-volumes-have-a-floor]",
    ],
    [
      { backupWindow: "04:30-05:30" },
      'instances.main.backupWindow: must not overlap maintenanceWindow (sun:04:00-sun:05:00), got "04:30-05:30"; move one of the two [aws-windows-are-half-an-hour-and-apart]',
    ],
    [
      { maintenanceWindow: "sun:04:00-sun:04:20" },
      'instances.main.maintenanceWindow: must last at least 30 minutes, got "sun:04:00-sun:04:20" [aws-windows-are-half-an-hour-and-apart]',
    ],
    [
      { readReplicas: 1, backupRetentionDays: 0, pointInTimeRecovery: false },
      "instances.main.backupRetentionDays: must be at least 1 with readReplicas, got 0; keep backups, or set readReplicas to 0 [aws-replicas-need-backups]",
    ],
    [
      { backupReplication: { region: "eu-wst-1" } },
      'instances.main.backupReplication.region: must be an RDS region, got "eu-wst-1"; did you mean "eu-west-1"? [aws-replicated-backups-need-a-key]',
    ],
    [
      { backupReplication: { region: "eu-west-1" } },
      "instances.main.backupReplication.kmsKey: must be the ARN of a key in eu-west-1, because the database is encrypted, got nothing [aws-replicated-backups-need-a-key]",
    ],
    [
      { allowedSources: ["10.1.2.3/16"] },
      'instances.main.allowedSources[0]: must begin at the network\'s first address (/16), got "10.1.2.3/16" [aws-sources-are-networks]',
    ],
    [
      { allowedSources: ["fd00::/8"] },
      'instances.main.allowedSources[0]: must be an IPv4 network, because the database listens on IPv4, got "fd00::/8" [aws-sources-are-networks]',
    ],
  ])("with %j is refused", (change, message) => {
    expect(main(change)).toBe(`  - ${message}`);
  });

  it.each([
    [
      { region: "eu-centrl-1", network: null },
      'aws.region: must be an RDS region, got "eu-centrl-1"; did you mean "eu-central-1"? [aws-region-of-rds]',
    ],
    [
      { network: { ...NETWORK, privateSubnets: NETWORK.privateSubnets.slice(1) } },
      'aws.network.privateSubnets: must be in at least two zones, got "eu-central-1b"; add a subnet in another zone [aws-two-zones]',
    ],
    [
      { network: null, cluster: CLUSTER },
      "aws.network: must be the cluster's network, got null; write its VPC and private subnets, or remove cluster [aws-cluster-needs-its-network]",
    ],
    [
      { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b" },
      'aws.kmsKey: must be in eu-central-1, got "arn:aws:kms:eu-west-1:111122223333:key/0a1b" [aws-things-stand-in-the-region]',
    ],
    [{ account: "12" }, 'aws.account: must be an account ID of 12 digits, got "12"'],
    [{ account: { example: "12" } }, "aws.account: must be an account ID of 12 digits, got an object"],
    [
      { cluster: { ...CLUSTER, clusterSecurityGroup: null } },
      "aws.cluster.clusterSecurityGroup: is required with installReleases, because only its members can always reach the cluster's endpoint, got null; aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig.clusterSecurityGroupId shows it [aws-releases-reach-the-cluster]",
    ],
    [
      { secretsManagerEndpoint: true, network: { ...NETWORK, cidrs: [] } },
      "aws.network.cidrs: is required with secretsManagerEndpoint: its private DNS name applies to the whole VPC, and a client outside these blocks can no longer reach Secrets Manager, got \"none\"; aws ec2 describe-vpcs --vpc-ids ID --query 'Vpcs[].CidrBlockAssociationSet[].CidrBlock' shows them [aws-endpoint-lets-the-network-in]",
    ],
    [
      { secretsManagerEndpoint: true, existingSecretsManagerEndpoint: "sg-0a1b2c3d" },
      'aws.existingSecretsManagerEndpoint: must be null if an endpoint is created: AWS allows one private DNS name of Secrets Manager in a VPC, got "sg-0a1b2c3d"; remove it, or set secretsManagerEndpoint to false [aws-endpoint-lets-the-network-in]',
    ],
    [
      { network: null, existingSecretsManagerEndpoint: "sg-0a1b2c3d" },
      'aws.existingSecretsManagerEndpoint: must be null if an endpoint is created: AWS allows one private DNS name of Secrets Manager in a VPC, got "sg-0a1b2c3d"; set network to the network that contains it [aws-endpoint-lets-the-network-in]',
    ],
    [
      { network: null, zones: ["eu-west-1a", "eu-central-1b"] },
      'aws.zones[0]: must be a zone of eu-central-1, got "eu-west-1a" [aws-new-network-has-two-zones]',
    ],
    [
      { network: null, zones: ["eu-central-1b", "eu-central-1b"] },
      'aws.zones: must be two or more different zones, got "eu-central-1b, eu-central-1b" [aws-new-network-has-two-zones]',
    ],
    [
      { existingSecurityGroups: { main: "sg-0a1b2c3d" } },
      'aws.existingSecurityGroups.main: must name an instance with existing, got "main" [aws-existing-security-groups-name-instances]',
    ],
  ])("whose section has %j is refused", (change, message) => {
    expect(refused(withAws(minimalAws, change as never))).toBe(`  - ${message}`);
  });

  it("is refused for each instance, whatever is malformed in another", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:master-AbCdEf";
    const spec = withAws(minimalAws, { kmsKey: 1 as never, alarmTopic: "arn:aws:sns:eu-west-1:111122223333:alarms" });
    const instances = {
      first: { existing: 1, backupReplication: 1 },
      second: { existing: { host: "db.example", masterSecret }, allowedSources: ["10", "10.1.2.3/16"] },
      third: { backupReplication: { region: "eu-central-1", kmsKey: "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d" } },
    };
    const its = { ...spec, instances, platforms: { mlflow: { instance: "third" } } };
    expect(
      refused(its)
        .split("\n")
        .map((line) => line.replace(/,? got .*/, "")),
    ).toEqual([
      "  - aws.kmsKey: must be the ARN of a KMS key or of its alias",
      "  - instances.first.backupReplication: must be an object",
      "  - instances.first.existing: must be an object",
      "  - instances.second.allowedSources[0]: must be a CIDR block such as 10.0.0.0/16",
      "  - aws.alarmTopic: must be in eu-central-1",
      "  - instances.second.existing.masterSecret: must be in eu-central-1",
      "  - instances.third.backupReplication.region: must differ from the database's region",
    ]);
  });

  it("finds networks with a host part whatever is malformed beside them", () => {
    expect(main({ allowedSources: ["10", "10.1.2.3/16"] })).toContain("allowedSources[1]: must begin at the network's first address (/16)");
  });

  it("suggests no region of another continent", () => {
    expect(refused(withAws(minimalAws, { region: "au-west-1", network: null }))).toBe(
      '  - aws.region: must be an RDS region, got "au-west-1" [aws-region-of-rds]',
    );
  });

  it("is warned of settings that have no effect", () => {
    const { warnings } = resolveAws(
      withAws(minimalAws, { vpcCidr: "10.9.0.0/16", cluster: { ...CLUSTER, installReleases: false, installReloader: true } }),
    );
    expect(warnings.map(({ path, rule }) => `${path} ${rule}`)).toEqual([
      "aws.vpcCidr has no effect with network",
      "aws.cluster.installReloader has no effect with installReleases: false",
    ]);
  });

  it("is warned of versions of what is not installed, and cannot name one that is too old", () => {
    const cluster = { ...CLUSTER, externalSecretsVersion: "0.9.20", reloaderVersion: "2.2.15" };
    expect(resolveAws(withAws(minimalAws, { cluster })).warnings.map(formatViolation)).toEqual([
      'aws.cluster.externalSecretsVersion: has no effect without installExternalSecrets, got "0.9.20" [aws-settings-have-an-effect]',
      'aws.cluster.reloaderVersion: has no effect without installReloader, got "2.2.15" [aws-settings-have-an-effect]',
    ]);
    expect(refused(withAws(minimalAws, { cluster: { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.9.20" } }))).toBe(
      '  - aws.cluster.externalSecretsVersion: must be 0.16.0 or newer, the first with external-secrets.io/v1, got "0.9.20" [aws-external-secrets-has-our-api]',
    );
  });

  it("is warned of what AWS refuses only in some networks, and of what an identity's login takes", () => {
    const { warnings } = resolveAws(withMain(withAws(minimalAws, { secretsManagerEndpoint: true }), { iamAuthentication: true }));
    expect(warnings.map(({ path, rule, remedy }) => `${path} ${rule}; ${remedy}`)).toEqual([
      "aws.secretsManagerEndpoint fails if the VPC already has an endpoint for Secrets Manager (conflicting DNS domain); if it has one, name its security group in existingSecretsManagerEndpoint instead",
      "instances.main.iamAuthentication only prepares the instance: no login uses it until you create one (create role jane login; grant rds_iam to jane); never make the master or a platform's login a member of such a role, even through another role: RDS then rejects its password, and without the master's password nothing is provisioned or rotated; test the master's login before you close the session",
    ]);
  });

  it.each(["sidecar", "proxy"] as const)("whose platform asks for a %s connects directly, and is warned", (access) => {
    const { warnings, platforms } = resolveAws({ ...minimalAws, platforms: { mlflow: { access } } });
    expect(platforms.mlflow).toMatchObject({ access: "direct", tls: "verify-full" });
    expect(warnings.map(formatViolation)).toEqual([
      `platforms.mlflow.access: has no effect on AWS, got "${access}"; pods connect to RDS directly, over verified TLS`,
    ]);
  });

  it("of an existing database need no settings for creating one", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const existing = { host: "ml.a1b2c3.eu-central-1.rds.amazonaws.com", masterSecret };
    expect(main({ existing, size: { vcpus: 3, memoryGib: 8 } })).toBe("accepted");
    expect(main({ existing: { ...existing, masterSecret: masterSecret.replace("central", "west") } })).toBe(
      `  - instances.main.existing.masterSecret: must be in eu-central-1, got "${masterSecret.replace("central", "west").slice(0, 56)}... [aws-things-stand-in-the-region]`,
    );
    const alone = withAws(withMain(minimalAws, { existing }), { network: null });
    expect(resolveAws(alone).warnings).toEqual([
      expect.objectContaining({ path: "aws.network", rule: "is required for the functions that provision and rotate" }),
    ]);
    expect(refused({ ...alone, instances: { ...alone.instances, made: {} }, platforms: { prefect: { instance: "main" } } })).toBe(
      "  - aws.network: must be the network of the existing database, because a new network cannot reach it, got null; write its VPC and private subnets, or move the existing databases to a separate environment [aws-existing-needs-its-network]",
    );
    expect(main({ existing: { ...existing, masterSecret: "master" } })).toBe(
      "  - instances.main.existing.masterSecret: must be the complete ARN of a secret, including the six characters at its end, got a string that may contain a password or a key; aws secretsmanager describe-secret shows it [aws-existing-master-secret-is-an-arn]",
    );
  });
});
