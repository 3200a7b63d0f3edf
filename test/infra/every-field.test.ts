import { describe, expect, it } from "vitest";
import { awsInstanceFields } from "../../constructs/aws/instance-fields";
import { awsFields } from "../../constructs/aws/section";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { aws } from "../../constructs/aws/target";
import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { gcpFields } from "../../constructs/gcp/section";
import { gcp } from "../../constructs/gcp/target";
import { commonFields } from "../../constructs/model/common-fields";
import { SpecError, type Violation } from "../../constructs/model/errors";
import type { Fields } from "../../constructs/model/fields";
import { instanceFields } from "../../constructs/model/instance";
import { mapValues } from "../../constructs/model/json";
import { resolveUnknown } from "../../constructs/model/resolve";
import { environmentFields } from "../../constructs/model/spec";
import type { Target } from "../../constructs/model/target";
import { SIDECAR, wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { synthesize } from "../../infra/aws/synthesize";
import { CLOUDS, type NamedSpec } from "../../infra/spec";
import { CLUSTER, minimalAws, NETWORK, withAws } from "../fixtures/aws";
import { type Change, leavesOf, withAll, withAt } from "../fixtures/changes";
import { SECTION } from "../fixtures/gcp";
import { registerEnvironment } from "../fixtures/registrations";

const IMAGE = `registry.example/it@sha256:${"a".repeat(64)}`;
const OTHER = "vpc-0a1b2c3d4e5f60799";
const EXISTING = { host: "db.example.internal", ca: "-----BEGIN CERTIFICATE-----", masterSecret: "master" };
const EXISTING_ON_AWS = { ...EXISTING, masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" };

const ENVIRONMENT: Readonly<Record<string, Change>> = {
  name: { to: "another" },
  labels: { to: { stage: "test" } },
  owner: { to: "ml" },
  monthlyCostLimitUsd: { to: 1_000 },
  acknowledge: { to: { "prefect-chart-version": "it is verified by hand" } },
};

/** Of an instance `main`; a cloud may need another way to write one. */
const INSTANCE: Readonly<Record<string, Change>> = {
  majorVersion: { to: 16 },
  "size.vcpus": { to: 4, from: { "instances.main.size.memoryGib": 16 } },
  "size.memoryGib": { to: 16 },
  storageGib: { to: 120 },
  maxStorageGib: { to: 300 },
  iops: { to: 16_000, from: { "instances.main.storageGib": 400 } },
  throughputMibps: { to: 600, from: { "instances.main.storageGib": 400 } },
  highAvailability: { to: false },
  readReplicas: { to: 1 },
  backupRetentionDays: { to: 8 },
  pointInTimeRecovery: { to: false },
  backupWindow: { to: "10:00-11:00" },
  maintenanceWindow: { to: "sat:05:00-sat:06:00" },
  "backupReplication.region": { to: "europe-west1" },
  "backupReplication.kmsKey": { to: "key" },
  iamAuthentication: { to: true },
  deletionProtection: { to: false },
  parameters: { to: { work_mem: "16MB" } },
  allowedSources: { to: ["10.0.0.0/16"] },
  "existing.host": { to: "other.example.internal", from: { "instances.main.existing": EXISTING } },
  "existing.port": { to: 5433, from: { "instances.main.existing": EXISTING } },
  "existing.ca": { to: "-----BEGIN CERTIFICATE-----\nother", from: { "instances.main.existing": EXISTING } },
  "existing.masterSecret": { to: "other", from: { "instances.main.existing": EXISTING } },
  "existing.maxConnections": { to: 20, from: { "instances.main.existing": EXISTING } },
};

const instanceOn = (changes: Readonly<Record<string, Change>>) =>
  Object.fromEntries(Object.entries({ ...INSTANCE, ...changes }).map(([path, change]) => [`instances.main.${path}`, change]));

const onAws = { "instances.main.existing": EXISTING_ON_AWS };
const REPLICATION = { region: "eu-west-1", kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d" };
const CREATED = { "aws.network": null, "aws.cluster": null };

const subnets = (change: object): Change => ({
  at: "aws.network.privateSubnets",
  to: NETWORK.privateSubnets.map((subnet, index) => (index === 0 ? { ...subnet, ...change } : subnet)),
});

const AWS: Readonly<Record<string, Change>> = {
  ...ENVIRONMENT,
  ...instanceOn({
    "backupReplication.region": { to: "eu-west-2", from: { "instances.main.backupReplication": REPLICATION } },
    "backupReplication.kmsKey": { to: `${REPLICATION.kmsKey}e`, from: { "instances.main.backupReplication": REPLICATION } },
    ...Object.fromEntries(
      ["host", "port", "ca", "maxConnections"].map((key) => [`existing.${key}`, { to: INSTANCE[`existing.${key}`]?.to, from: onAws }]),
    ),
    "existing.masterSecret": { to: EXISTING_ON_AWS.masterSecret.replace("master-", "other-"), from: onAws },
  }),
  "aws.region": { to: "eu-west-1" },
  "aws.certificateAuthorities": { to: "-----BEGIN CERTIFICATE-----\nother" },
  "aws.account": { to: "999999999999" },
  "aws.network.vpc": { to: OTHER },
  "aws.network.privateSubnets.id": subnets({ id: "subnet-0a1b2c3d4e5f60799" }),
  "aws.network.privateSubnets.zone": subnets({ zone: "eu-central-1b" }),
  "aws.network.cidrs": { to: ["10.2.0.0/16"], from: { "aws.secretsManagerEndpoint": true } },
  "aws.vpcCidr": { to: "10.9.0.0/16", from: CREATED },
  "aws.zones": { to: ["eu-central-1b", "eu-central-1c"], from: CREATED },
  "aws.secretsManagerEndpoint": { to: true },
  "aws.existingSecretsManagerEndpoint": { to: "sg-0a1b2c3d4e5f60799" },
  "aws.cluster.name": { to: "other" },
  "aws.cluster.securityGroups": { to: ["sg-0a1b2c3d4e5f60799"] },
  "aws.cluster.clusterSecurityGroup": { to: "sg-0a1b2c3d4e5f60799" },
  "aws.cluster.oidcProvider": { to: CLUSTER.oidcProvider.replace("0A1B", "0A1C") },
  "aws.cluster.installReleases": { to: false },
  "aws.cluster.installExternalSecrets": { to: true },
  "aws.cluster.externalSecretsVersion": { to: "2.8.0", from: { "aws.cluster.installExternalSecrets": true } },
  "aws.cluster.installReloader": { to: true },
  "aws.cluster.reloaderVersion": { to: "2.2.15", from: { "aws.cluster.installReloader": true } },
  "aws.kmsKey": { to: "arn:aws:kms:eu-central-1:111122223333:key/0a1b" },
  "aws.alarmTopic": { to: "arn:aws:sns:eu-central-1:111122223333:alarms" },
  "aws.existingSecurityGroups": { to: { main: "sg-0a1b2c3d4e5f60799" }, from: onAws },
  "aws.applyImmediately": { to: true },
  "aws.logRetentionDays": { to: 365 },
  "aws.rotationDays": { to: 7 },
  "aws.instances": { to: { main: { storageGib: 200 } } },
  "aws.instances.main.class": { to: "db.m7i.large" },
  "aws.instances.main.version": { to: "17.6" },
  "aws.instances.main.subnetGroup": { to: "ml" },
  "aws.instances.main.parameterGroup": { to: "ml" },
  "aws.instances.main.identifier": { to: "ml" },
  "aws.instances.main.monitoringIntervalSeconds": { to: 0 },
  "aws.instances.main.restoredFrom.snapshot": { to: "before-upgrade" },
  "aws.instances.main.restoredFrom.instance": { to: "ml-old" },
  "aws.instances.main.restoredFrom.moment": { to: "2026-11-30T12:00:00Z", from: { "aws.instances.main.restoredFrom.instance": "ml-old" } },
  "aws.instances.main.restoredFrom.masterUsername": { to: "postgres", from: { "aws.instances.main.restoredFrom.instance": "ml-old" } },
  "aws.instances.main.finalSnapshot": { to: true },
};

const GCP: Readonly<Record<string, Change>> = {
  ...ENVIRONMENT,
  ...instanceOn({
    "size.vcpus": { to: 4, from: { "instances.main.size.memoryGib": 12 } },
    iops: { to: 8_000, from: { "gcp.disk": "HYPERDISK_BALANCED", "instances.main.storageGib": 400 } },
    throughputMibps: { to: 600, from: { "gcp.disk": "HYPERDISK_BALANCED", "instances.main.storageGib": 400 } },
    pointInTimeRecovery: { to: false, from: { "instances.main.highAvailability": false } },
  }),
  "gcp.project": { to: "other-project" },
  "gcp.projectNumber": { to: "999999999999" },
  "gcp.region": { to: "europe-west1" },
  "gcp.network": { to: "other" },
  "gcp.privateServicesAccess.create": { to: false },
  "gcp.privateServicesAccess.prefixLength": { to: 18 },
  "gcp.privateServicesAccess.allocatedRange": { to: "range", from: { "gcp.privateServicesAccess.create": false } },
  "gcp.enableApis": { to: true },
  "gcp.edition": { to: "ENTERPRISE_PLUS" },
  "gcp.disk": { to: "HYPERDISK_BALANCED" },
  "gcp.encryptionKey": { to: "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres" },
  "gcp.serverCaPool": { to: "projects/my-project/locations/europe-west4/caPools/databases" },
  "gcp.denyMaintenance.from": { to: "2026-11-25", from: { "gcp.denyMaintenance": { from: "2026-11-20", to: "2027-01-05" } } },
  "gcp.denyMaintenance.to": { to: "2027-01-06", from: { "gcp.denyMaintenance": { from: "2026-11-20", to: "2027-01-05" } } },
  "gcp.cluster.name": { to: "other" },
  "gcp.cluster.location": { to: "europe-west4-a" },
  "gcp.cluster.installReleases": { to: false },
  "gcp.cluster.installExternalSecrets": { to: true },
  "gcp.cluster.externalSecretsVersion": { to: "2.8.0", from: { "gcp.cluster.installExternalSecrets": true } },
  "gcp.cluster.installReloader": { to: true },
  "gcp.cluster.reloaderVersion": { to: "2.2.15", from: { "gcp.cluster.installReloader": true } },
  "gcp.cluster.serviceAccounts": { to: "google" },
  "gcp.cluster.admissionPolicy": { to: true },
  "gcp.authProxyVersion": { to: "2.27.0" },
  "gcp.notificationChannels": { to: ["projects/my-project/notificationChannels/1234567890"] },
  "gcp.existingConnections": { to: { main: "my-project:europe-west4:db" }, from: { "instances.main.existing": EXISTING } },
  "gcp.rotationDays": { to: 7 },
  "gcp.instances": { to: { main: { storageGib: 200 } } },
  "gcp.instances.main.tier": { to: "db-custom-4-16384" },
  "gcp.instances.main.zone": { to: "europe-west4-a" },
  "gcp.instances.main.name": { to: "ml" },
};

/** Fields of which a change is visible nowhere, and why. */
const UNSEEN: Readonly<Record<string, string>> = {
  monthlyCostLimitUsd: "npm run plan compares it with prices, and nothing in a cloud knows it",
  acknowledge: "it lets through what a rule refuses, and this spec has nothing of that kind",
};

/** What a spec makes on a target, or what is said of it. */
type Outcome = { readonly generated: string; readonly warnings: readonly Violation[] } | { readonly refused: readonly Violation[] };

async function outcomeOf<X extends Fields>(
  spec: NamedSpec,
  target: Target<X>,
  generate: (environment: never) => unknown,
): Promise<Outcome> {
  try {
    const environment = resolveUnknown(spec, { target, platforms, sections: CLOUDS });
    return { generated: JSON.stringify(await generate(environment as never)), warnings: environment.warnings };
  } catch (error) {
    if (error instanceof SpecError) return { refused: error.violations };
    throw error;
  }
}

/** Whether a changed field is refused, warned of, or visible in what is generated. */
async function isSeen(spec: NamedSpec, path: string, change: Change, outcome: (spec: NamedSpec) => Promise<Outcome>): Promise<boolean> {
  const base = withAll(spec, change.from);
  const before = await outcome(base);
  if ("refused" in before) throw new SpecError(before.refused);
  const after = await outcome(withAt(base, change.at ?? path, change.to));
  if ("refused" in after) return true;
  return after.generated !== before.generated || after.warnings.length > before.warnings.length;
}

const known = new Map<string, Promise<Outcome>>();
/** Most changes are of the same spec, which is made once. */
const once =
  (name: string, make: (spec: NamedSpec) => Promise<Outcome>) =>
  (spec: NamedSpec): Promise<Outcome> => {
    const key = `${name} ${JSON.stringify(spec)}`;
    const made = known.get(key) ?? make(spec);
    known.set(key, made);
    return made;
  };

const CLOUD_CASES = [
  {
    target: aws,
    fields: { ...environmentFields, instances: { fields: { main: { fields: instanceFields } } }, aws: { fields: awsFields } },
    own: leavesOf(awsInstanceFields, "aws.instances.main."),
    changes: AWS,
    spec: withAws({ ...minimalAws, platforms: { mlflow: {} } }, { account: "111122223333", cluster: CLUSTER }),
    outcome: (spec: NamedSpec) => outcomeOf(spec, aws, (environment: AwsEnvironment) => synthesize(environment)),
  },
  {
    target: gcp,
    fields: { ...environmentFields, instances: { fields: { main: { fields: instanceFields } } }, gcp: { fields: gcpFields } },
    own: leavesOf(gcpFields.instances.own.fields, "gcp.instances.main."),
    changes: GCP,
    spec: {
      name: "minimal",
      gcp: { ...SECTION, cluster: { name: "ml", location: "europe-west4" } },
      instances: { main: {} },
      platforms: { mlflow: {} },
    },
    outcome: (spec: NamedSpec) => outcomeOf(spec, gcp, (environment: GcpEnvironment) => registerEnvironment(environment)),
  },
] as const;

describe.each(CLOUD_CASES)("every field of $target.name", ({ target, fields, own, changes, spec, outcome }) => {
  it("is changed here", () => {
    expect(Object.keys(changes).sort()).toEqual([...leavesOf(fields as never), ...own].sort());
  });

  it.each(Object.entries(changes))("%s is refused, or visible in what is generated", async (path, change) => {
    const isListed = Object.hasOwn(UNSEEN, path);
    expect(await isSeen(spec as NamedSpec, path, change, once(target.name, outcome))).toBe(!isListed);
  });
});

/** Of platforms: what only one kind has overrides what all have. */
const PLATFORM: Readonly<Record<string, Change>> = {
  platform: { to: "no-such-kind" },
  instance: { to: "other" },
  namespace: { to: "elsewhere" },
  release: { to: "another" },
  databases: { to: { main: "another" } },
  chartVersion: { to: "0.0.1" },
  replicas: { to: 2 },
  access: { to: "proxy" },
  serviceAccount: { to: "another" },
  images: { to: { it: IMAGE } },
  values: { to: { podLabels: { team: "ml" } } },
  poolSize: { to: 7 },
  maxOverflow: { to: 9 },
  workers: { to: 3 },
  redisHost: { to: "redis.example.internal" },
  redisPort: { to: 6380, from: { redisHost: "redis.example.internal" } },
  redisSecret: { to: "redis", from: { redisHost: "redis.example.internal" } },
};
const TWO_PODS = {
  replicas: 2,
  redisHost: "redis.example.internal",
  secretKeySecret: "key",
  configClaim: "files",
  images: { skillflaw: IMAGE },
};
const OWN: Readonly<Record<keyof typeof platforms, Readonly<Record<string, Change>>>> = {
  flyte: {
    chart: { to: "flyte-core" },
    maxOpenConnections: { to: 20 },
    connMaxLifeTime: { to: "10m" },
    scheduler: { to: true, from: { chart: "flyte-core" } },
    transactionPooling: { to: true },
  },
  mlflow: {
    jobs: { to: true },
    readFromReplica: { to: true },
    hosts: { to: ["mlflow.example.com"] },
    origins: { to: ["https://portal.example.com"] },
  },
  prefect: {},
  skillflaw: {
    secretKeySecret: { to: "key" },
    configClaim: { to: "claim" },
    redisHost: { to: "other.example.internal", from: TWO_PODS },
    redisPort: { to: 6380, from: TWO_PODS },
    redisSecret: { to: "redis", from: TWO_PODS },
  },
  "kubeflow-pipelines": { connections: { to: 60 }, values: { to: { namePrefix: "team-" } } },
  application: {
    connections: { to: 20 },
    "migration.image": { to: IMAGE, from: { migration: { image: "it:1", command: ["migrate"] } } },
    "migration.command": { to: ["upgrade"], from: { migration: { image: "it:1", command: ["migrate"] } } },
  },
};
/** What a platform needs to be accepted at all. */
const NEEDED: Readonly<Record<string, object>> = {
  "kubeflow-pipelines": { images: { "api-server": "it:1", "cache-server": "it:1" } },
};
const ON: NamedSpec = {
  name: "minimal",
  acknowledge: { "kubeflow-pipelines-is-for-development": "it is a test" },
  gcp: SECTION,
  instances: { main: { readReplicas: 1, size: { vcpus: 4, memoryGib: 16 } }, other: {} },
  platforms: {},
};

const wired = (environment: GcpEnvironment) => [
  mapValues(environment.instances, ({ tenants }) => tenants),
  wirePlatforms(environment, platforms, ({ access }) => ({
    host: "db",
    port: 5432,
    reader: { host: "replica", port: 5432 },
    sidecar: access === "sidecar" ? { name: SIDECAR } : null,
  })),
];

describe.each(Object.entries(platforms))("every field of %s", (kind, { fields }) => {
  const its = leavesOf({ ...commonFields(kind), ...fields });
  const changes = Object.fromEntries(its.map((path) => [path, { ...PLATFORM, ...OWN[kind as keyof typeof OWN] }[path]]));
  const spec = withAt(ON, `platforms.${kind}`, { instance: "main", ...NEEDED[kind] });
  const outcome = once("platform", (each) => outcomeOf(each, gcp, wired));

  it.each(Object.entries(changes))("%s is refused, or visible in its wiring", async (path, change) => {
    if (change === undefined) throw new Error(`${path} is not changed here`);
    const at = (each: string) => `platforms.${kind}.${each}`;
    const from = Object.fromEntries(Object.entries(change.from ?? {}).map(([each, value]) => [at(each), value]));
    expect(await isSeen(spec, at(path), { to: change.to, from }, outcome)).toBe(true);
  });
});
