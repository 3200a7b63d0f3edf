import { describe, expect, it } from "vitest";
import { awsFields } from "../../constructs/aws/section";
import { gcpFields } from "../../constructs/gcp/section";
import { instanceFields } from "../../constructs/model/instance";
import type { NamedSpec } from "../../infra/spec";
import { CLUSTER as EKS, NETWORK } from "../fixtures/aws";
import { CLUSTER as GKE } from "../fixtures/gcp";
import { changesOn, toLine } from "../fixtures/plan";
import { aws, gcp, base as kinds, main, own } from "../fixtures/plan-kinds";

type Cloud = keyof typeof changesOn;
/** A field, changed, and what a plan against stored templates or a state says of it: level and path, the worst first. */
interface Case {
  readonly before: NamedSpec;
  readonly after: NamedSpec;
  readonly told: readonly string[];
}
type Fields<F> = Readonly<Record<keyof F, Case>>;

const base = gcp({ cluster: GKE }, aws({ cluster: EKS }, kinds));
const one = (after: NamedSpec, ...told: readonly string[]): Case => ({ before: base, after, told });
const two = (before: NamedSpec, after: NamedSpec, ...told: readonly string[]): Case => ({ before, after, told });

const KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f";
const CA = "-----BEGIN CERTIFICATE-----\nown\n-----END CERTIFICATE-----";
const MASTER = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
const open = main({ deletionProtection: false }, base);
const created = aws({ network: null, cluster: null }, base);
const large = main({ storageGib: 400 }, base);
const hyperdisk = (change: object) =>
  gcp(
    { edition: "ENTERPRISE_PLUS", disk: "HYPERDISK_BALANCED" },
    main({ size: { vcpus: 4, memoryGib: 32 }, storageGib: 400, iops: 10_000, throughputMibps: 400, ...change }, base),
  );

/** The same on both clouds. */
const ANYWHERE = {
  majorVersion: one(main({ majorVersion: 18 }, base), "outage instances.main.majorVersion"),
  size: one(
    main({ size: { vcpus: 4, memoryGib: 16 } }, base),
    "outage instances.main.size",
    "outage instances.main.parameters.max_connections",
  ),
  maxStorageGib: one(main({ maxStorageGib: null }, base), "other instances.main.maxStorageGib"),
  highAvailability: one(main({ highAvailability: false }, base), "outage instances.main.highAvailability"),
  readReplicas: one(main({ readReplicas: 1 }, base), "cost instances.main.readReplicas"),
  backupRetentionDays: one(main({ backupRetentionDays: 30 }, base), "cost instances.main.backupRetentionDays"),
  backupWindow: one(main({ backupWindow: "00:00-01:00" }, base), "other instances.main.backupWindow"),
  maintenanceWindow: one(main({ maintenanceWindow: "sat:04:00-sat:05:00" }, base), "other instances.main.maintenanceWindow"),
  iamAuthentication: one(main({ iamAuthentication: true }, base), "other instances.main.iamAuthentication"),
  deletionProtection: one(open, "lost instances.main.deletionProtection"),
  parameters: one(main({ parameters: { work_mem: "16MB" } }, base), "other instances.main.parameters.work_mem"),
};

const OF_INSTANCE: Readonly<Record<Cloud, Fields<typeof instanceFields>>> = {
  aws: {
    ...ANYWHERE,
    allowedSources: one(main({ allowedSources: ["10.0.0.0/8"] }, base), "other instances.main.allowedSources"),
    pointInTimeRecovery: one(main({ pointInTimeRecovery: false, highAvailability: false }, base), "outage instances.main.highAvailability"),
    storageGib: one(
      main({ storageGib: 500 }, base),
      "cost instances.main.storageGib",
      "cost instances.main.iops",
      "cost instances.main.throughputMibps",
      "other instances.main.maxStorageGib",
    ),
    iops: two(large, main({ iops: 20_000 }, large), "cost instances.main.iops"),
    throughputMibps: two(large, main({ throughputMibps: 1000 }, large), "cost instances.main.throughputMibps"),
    backupReplication: one(
      own("aws", { backupReplication: { region: "eu-west-1", kmsKey: KEY.replace("central", "west") } }, base),
      "cost instances.main.backupReplication.region",
    ),
    existing: one({ ...base, instances: { main: { existing: { host: "db.example", masterSecret: MASTER } } } }, "lost instances.main"),
  },
  gcp: {
    ...ANYWHERE,
    allowedSources: one(main({ allowedSources: ["10.0.0.0/8"] }, base)),
    pointInTimeRecovery: one(
      main({ pointInTimeRecovery: false, highAvailability: false }, base),
      "lost instances.main.pointInTimeRecovery",
      "outage instances.main.highAvailability",
    ),
    storageGib: one(main({ storageGib: 500 }, base), "cost instances.main.storageGib", "other instances.main.maxStorageGib"),
    iops: two(hyperdisk({}), hyperdisk({ iops: 12_000 }), "cost instances.main.iops"),
    throughputMibps: two(hyperdisk({}), hyperdisk({ throughputMibps: 500 }), "cost instances.main.throughputMibps"),
    backupReplication: one(own("gcp", { backupReplication: { region: "eu" } }, base), "cost instances.main.backupReplication.region"),
    existing: one(
      {
        ...gcp({ existingConnections: { main: "my-project:europe-west4:other" } }, base),
        instances: { main: { existing: { host: "db.example", ca: CA, masterSecret: "master" } } },
      },
      "lost instances.main",
    ),
  },
};

const OF_SECTION: { readonly aws: Fields<typeof awsFields>; readonly gcp: Fields<typeof gcpFields> } = {
  aws: {
    region: one(aws({ region: "eu-west-1", network: null, cluster: null }, base), "lost aws.region"),
    certificateAuthorities: one(aws({ certificateAuthorities: "text" }, base)),
    account: two(aws({ account: "999999999999" }, kinds), aws({ account: "111122223333" }, kinds), "lost aws.account"),
    network: one(aws({ network: { ...NETWORK, vpc: "vpc-0a1b2c3d4e5f60799" } }, base), "refused aws.network.vpc"),
    vpcCidr: two(created, aws({ vpcCidr: "10.9.0.0/16" }, created), "lost aws.network", "lost aws.network"),
    zones: two(created, aws({ zones: ["eu-central-1b", "eu-central-1c"] }, created), "lost aws.network"),
    existingSecretsManagerEndpoint: one(aws({ existingSecretsManagerEndpoint: "sg-0a1b2c3d" }, base)),
    secretsManagerEndpoint: two(aws({ secretsManagerEndpoint: true }, base), base, "outage aws.secretsManagerEndpoint"),
    cluster: one(
      aws({ cluster: { ...EKS, name: "other", securityGroups: ["sg-0a1b2c3d4e5f60799"] } }, base),
      "outage aws.cluster.securityGroups",
      "outage release prefect/prefect",
    ),
    kmsKey: one(aws({ kmsKey: KEY }, base), "lost aws.kmsKey"),
    alarmTopic: one(aws({ alarmTopic: "arn:aws:sns:eu-central-1:111122223333:pager" }, base)),
    existingSecurityGroups: one(aws({ existingSecurityGroups: {} }, base)),
    applyImmediately: one(aws({ applyImmediately: true }, base), "other aws.applyImmediately"),
    logRetentionDays: one(aws({ logRetentionDays: 30 }, base), "lost aws.logRetentionDays"),
    rotationDays: one(aws({ rotationDays: 5 }, base)),
    instances: one(
      aws({ instances: { main: { storageGib: 500 } } }, base),
      "cost instances.main.storageGib",
      "cost instances.main.iops",
      "cost instances.main.throughputMibps",
      "other instances.main.maxStorageGib",
    ),
  },
  gcp: {
    project: one(gcp({ project: "other-project" }, base), "lost gcp.project", "lost gcp.network", "outage gcp.cluster"),
    projectNumber: one(gcp({ projectNumber: "999999999999" }, base)),
    region: one(
      gcp({ region: "europe-west1", cluster: { ...GKE, location: "europe-west1" } }, base),
      "lost gcp.region",
      "outage gcp.cluster",
    ),
    network: one(gcp({ network: "other" }, base), "lost gcp.network"),
    privateServicesAccess: one(gcp({ privateServicesAccess: { prefixLength: 16 } }, base), "lost gcp.privateServicesAccess"),
    enableApis: one(gcp({ enableApis: true }, base)),
    edition: two(
      main({ size: { vcpus: 2, memoryGib: 13 } }, base),
      gcp({ edition: "ENTERPRISE_PLUS" }, main({ size: { vcpus: 2, memoryGib: 16 } }, base)),
      "outage instances.main.parameters.max_connections",
      "outage gcp.edition",
      "other instances.main.size",
    ),
    disk: one(gcp({ disk: "HYPERDISK_BALANCED" }, base), "refused gcp.disk", "other instances.main.size"),
    encryptionKey: one(
      gcp({ encryptionKey: "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/other" }, base),
      "lost gcp.encryptionKey",
    ),
    serverCaPool: one(
      gcp({ serverCaPool: "projects/my-project/locations/europe-west4/caPools/databases" }, base),
      "outage gcp.serverCaPool",
    ),
    denyMaintenance: one(gcp({ denyMaintenance: { from: "2026-12-20", to: "2027-01-05" } }, base), "other gcp.denyMaintenance"),
    cluster: one(gcp({ cluster: null }, base), "outage release prefect/prefect"),
    authProxyVersion: one(gcp({ authProxyVersion: "2.27.0" }, base)),
    notificationChannels: one(gcp({ notificationChannels: ["projects/my-project/notificationChannels/1234567890"] }, base)),
    existingConnections: one(gcp({ existingConnections: {} }, base)),
    rotationDays: one(gcp({ rotationDays: 5 }, base)),
    instances: one(
      gcp({ instances: { main: { storageGib: 500 } } }, base),
      "cost instances.main.storageGib",
      "other instances.main.maxStorageGib",
    ),
  },
};

/** What an instance has on Google Cloud only; for AWS see test/aws/synthesized/own-instance.ts. */
const OF_OWN: Fields<(typeof gcpFields)["instances"]["own"]["fields"]> = {
  tier: one(own("gcp", { tier: "db-custom-2-7680" }, base), "outage instances.main.size"),
  zone: one(own("gcp", { zone: "europe-west4-a" }, base), "outage gcp.instances.main.zone"),
  name: one(own("gcp", { name: "chosen" }, base), "lost gcp.instances.main.name"),
};

const TABLES = [
  ["aws", "instances.main", OF_INSTANCE.aws],
  ["gcp", "instances.main", OF_INSTANCE.gcp],
  ["aws", "aws", OF_SECTION.aws],
  ["gcp", "gcp", OF_SECTION.gcp],
  ["gcp", "gcp.instances.main", OF_OWN],
] as const;
const CASES = TABLES.flatMap(([cloud, path, fields]) =>
  Object.entries<Case>(fields).map(([field, each]) => ({ ...each, cloud, field: `${path}.${field}` })),
);

describe("changing a field", () => {
  it("is told for every field that there is", () => {
    const own = gcpFields.instances.own.fields;
    expect(TABLES.map(([, , fields]) => Object.keys(fields).sort())).toEqual(
      [instanceFields, instanceFields, awsFields, gcpFields, own].map((fields) => Object.keys(fields).sort()),
    );
  });

  it.each(CASES)("$field on $cloud says at which level and of which setting", async ({ cloud, before, after, told }) => {
    const changes = await changesOn[cloud](before, after);
    expect(changes.map(({ level, path }) => `${level} ${path}`)).toEqual(told);
  });

  it.each(["aws", "gcp"] as const)("on %s says all of this, in these words", async (cloud) => {
    const texts: string[] = [];
    for (const { field, before, after, ...each } of CASES) {
      const changes = each.cloud === cloud ? await changesOn[cloud](before, after) : [];
      if (changes.length > 0) texts.push([field, ...changes.map((change) => `  ${toLine(change)}`)].join("\n"));
    }
    await expect(`${texts.join("\n\n")}\n`).toMatchFileSnapshot(`../fixtures/specs/plan-fields-${cloud}.txt`);
  });
});
