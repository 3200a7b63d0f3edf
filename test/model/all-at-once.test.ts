import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { local } from "../../constructs/local/target";
import { minimalAws, NETWORK, withAws, withMain } from "../fixtures/aws";
import { minimalGcp, withGcp } from "../fixtures/gcp";
import { minimal, refusal, withInstance, withPrefect } from "../fixtures/specs";

/** Paths of all violations. */
const pathsOf = (spec: unknown, target: typeof local | typeof aws | typeof gcp): readonly string[] =>
  refusal(spec, target)
    .split("\n")
    .slice(1)
    .map((line) => line.slice(4).split(": ")[0] ?? "");

/** Each with one rule of every layer: of PostgreSQL, of the cloud, of its section, of a platform. */
const WRONG = { size: { vcpus: 3, memoryGib: 8 }, allowedSources: ["128.0.0.0/1"], backupRetentionDays: 0, parameters: { wrok_mem: 1 } };

describe("a malformed field hides only what reads it", () => {
  it.each([
    [aws, withMain(minimalAws, { ...WRONG, storageGib: 5 })],
    [gcp, { ...minimalGcp, instances: { main: { ...WRONG, storageGib: 5 } } }],
  ] as const)("of an instance", (target, spec) => {
    const paths = pathsOf(spec, target);
    for (const field of ["storageGib", "size", "allowedSources[0]", "backupRetentionDays", "parameters.wrok_mem"])
      expect(paths).toContain(`instances.main.${field}`);
  });

  it("of a cloud's section", () => {
    const zones = ["eu-central-1a", "eu-west-1a"];
    expect(pathsOf(withAws(minimalAws, { rotationDays: 0, zones }), aws)).toEqual(["aws.rotationDays", "aws.zones[1]"]);
    expect(pathsOf(withAws(minimalAws, { zones: ["x", "eu-west-1a"] }), aws)).toEqual(["aws.zones[0]", "aws.zones[1]"]);
    expect(pathsOf(withGcp(minimalGcp, { rotationDays: 0, region: "europe-wets4" }), gcp)).toEqual(["gcp.rotationDays", "gcp.region"]);
  });

  it("of a list, also among what is compared with each other", () => {
    const [subnet, other] = NETWORK.privateSubnets;
    const privateSubnets = [subnet, { ...other, zone: "x" }, subnet, { ...other, id: "x", zone: "eu-west-1a" }];
    expect(pathsOf(withAws(minimalAws, { network: { vpc: NETWORK.vpc, privateSubnets } }), aws)).toEqual([
      "aws.network.privateSubnets[1].zone",
      "aws.network.privateSubnets[3].id",
      "aws.network.privateSubnets[3].zone",
      "aws.network.privateSubnets[2].id",
    ]);
  });

  it.each([
    [aws, withMain(minimalAws, { iops: 5, throughputMibps: 500 }), "throughputMibps"],
    [aws, withMain(minimalAws, { storageGib: 400, iops: 5, throughputMibps: 8000 }), "throughputMibps"],
    [aws, withMain(minimalAws, { backupWindow: "x", maintenanceWindow: "sun:04:00-sun:04:10" }), "maintenanceWindow"],
    [gcp, { ...minimalGcp, instances: { main: { iops: 5, throughputMibps: 500 } } }, "throughputMibps"],
  ] as const)("of an instance, also from the other half of a pair", (target, spec, field) => {
    expect(pathsOf(spec, target)).toEqual([expect.stringMatching(/iops|backupWindow/), `instances.main.${field}`]);
  });

  it("of a platform, whose connections still count", () => {
    const small = { size: { vcpus: 1, memoryGib: 1 }, highAvailability: false };
    const paths = pathsOf(
      { ...minimal, instances: { main: small }, platforms: { mlflow: { wrokers: 1 }, prefect: { replicas: 0 } } },
      local,
    );
    expect(paths).toEqual(["platforms.mlflow.wrokers", "platforms.prefect.replicas", "instances.main"]);
  });

  it("of a platform, or of its instance's name, among what its chart's values may not set", () => {
    const values = { extraEnvVars: { PGHOST: "x" }, backendStore: { postgres: { host: "x" } } };
    const guarded = ["platforms.mlflow.values.extraEnvVars.PGHOST", "platforms.mlflow.values.backendStore.postgres.host"];
    for (const malformed of [{ workers: 0 }, { release: "X" }] as const)
      expect(pathsOf({ ...minimal, platforms: { mlflow: { ...malformed, values } } }, local)).toEqual([
        `platforms.mlflow.${Object.keys(malformed)[0]}`,
        ...guarded,
      ]);
    expect(pathsOf({ ...minimal, platforms: { mlflow: { instance: "mian", values } } }, local)).toContain(guarded[0]);
  });

  it("of the environment", () => {
    const spec = { ...minimal, name: "Test", labels: 5, acknowledge: [], platforms: { prefect: { replicas: 2 } } };
    expect(pathsOf(spec, local)).toEqual(["name", "labels", "acknowledge", "platforms.prefect.replicas"]);
  });

  it("and is reported once, not again by the rules that read it", () => {
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    const zones = ["eu-central-1a", "eu-central-1b"];
    expect(pathsOf(withAws(minimalAws, { rotationDays: 0, region: "eu-centrl-1", zones, kmsKey }), aws)).toEqual([
      "aws.rotationDays",
      "aws.region",
    ]);
    const encryptionKey = "projects/my-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres";
    const serverCaPool = "projects/my-project/locations/europe-west4/caPools/databases";
    expect(pathsOf(withGcp(minimalGcp, { region: "europe-wets4", encryptionKey, serverCaPool }), gcp)).toEqual(["gcp.region"]);
    const existing = { host: "db", masterSecret: "postgres://db" };
    expect(pathsOf(withMain(minimalAws, { existing }), aws)).toEqual(["instances.main.existing.masterSecret"]);
    for (const max_connections of [5, "", true])
      expect(pathsOf(withInstance({ parameters: { max_connections } }), local)).toEqual(["instances.main.parameters.max_connections"]);
    expect(pathsOf(withInstance({ existing: { host: 5, masterSecret: "m.json", ca: "ca.pem" } }), local)).toEqual([
      "instances.main.existing.host",
    ]);
    expect(pathsOf(withInstance({ existing: "db.example" }), local)).toEqual(["instances.main.existing"]);
    expect(pathsOf(withInstance({ parameters: { max_connections: Number.NaN } }), local)).toEqual([
      "instances.main.parameters.max_connections",
    ]);
    expect(pathsOf({ ...minimal, instances: { "not a name": {} } }, local)).toEqual(["instances.not a name"]);
    expect(pathsOf(withPrefect({ instance: "mian", access: "sidecra" }), local)).toEqual([
      "platforms.prefect.access",
      "platforms.prefect.instance",
    ]);
  });

  it("where reasons are malformed, too: what they would acknowledge is not reported", () => {
    const spec = { ...minimal, platforms: { prefect: { chartVersion: "2027.1.1" } }, acknowledge: { "prefect-chart-version": "ok" } };
    expect(pathsOf(spec, local)).toEqual(["acknowledge.prefect-chart-version"]);
  });
});

describe("a message names the remedy", () => {
  it.each<[string, unknown, string]>([
    [
      "of a number where a text is wanted",
      { ...minimal, labels: { cost: 12 } },
      `labels.cost: must be 1 to 256 letters, digits, spaces and _ . : / = + - @, got 12; write it in quotes: "12"`,
    ],
    [
      "of a text where a truth value is wanted",
      withInstance({ highAvailability: "false" }),
      'instances.main.highAvailability: must be true or false, got "false"; write it without quotes: false',
    ],
    [
      "of a version as a text",
      withInstance({ majorVersion: "17" }),
      'instances.main.majorVersion: must be 15, 16, 17 or 18, got "17"; write it without quotes: 17',
    ],
    [
      "of null",
      withInstance({ storageGib: null }),
      "instances.main.storageGib: must be a whole number from 10 to 65536, got null; leave it out for the default",
    ],
    [
      "of null for a platform",
      { ...minimal, platforms: { prefect: null } },
      "platforms.prefect: must be an object, got null; write {} for the defaults",
    ],
    [
      "of a number that is none",
      withInstance({ storageGib: Number.NaN }),
      "instances.main.storageGib: must be a whole number from 10 to 65536, got NaN",
    ],
    [
      "of an infinite number",
      withInstance({ iops: Number.POSITIVE_INFINITY }),
      "instances.main.iops: must be a whole number from 1000 to 350000, got Infinity",
    ],
    [
      "of RDS's name for a class",
      withInstance({ instanceClass: "db.m8g.large" }),
      "instances.main.instanceClass: unknown key; write size: { vcpus, memoryGib }, from which the class or tier follows",
    ],
    [
      "of a text for a list",
      withInstance({ allowedSources: "10.0.0.0/8" }),
      'instances.main.allowedSources: must be a list, got "10.0.0.0/8"; put it in square brackets',
    ],
    [
      "of a number for a group",
      withInstance({ size: 4 }),
      "instances.main.size: must be an object, got 4; write { vcpus: ..., memoryGib: ... }",
    ],
    ["of Terraform's name for labels", { ...minimal, tags: {} }, "tags: unknown key; use labels"],
    [
      "of a platform's short name",
      { ...minimal, platforms: { kubeflow: {} } },
      'platforms.kubeflow: unknown platform; did you mean "kubeflow-pipelines"?',
    ],
    ["of Terraform's name for a standby", withInstance({ multi_az: true }), "instances.main.multi_az: unknown key; use highAvailability"],
    ["of RDS's name for a version", withInstance({ engineVersion: "17" }), "instances.main.engineVersion: unknown key; use majorVersion"],
    [
      "of a database's name",
      withPrefect({ database: "prefect" }),
      'platforms.prefect.database: unknown key; use databases: { main: "..." }',
    ],
    [
      "of a chart that is too old: the newest that was verified",
      withPrefect({ chartVersion: "0.0.1" }),
      'platforms.prefect.chartVersion: must be a version of 2026 or newer, got "0.0.1"; use 2026.8.18172642, the newest verified [prefect-chart-supported]',
    ],
    [
      "of a word that has nothing in common with a known one",
      withPrefect({ instance: "db" }),
      'platforms.prefect.instance: must name an instance, got "db"; known are main',
    ],
  ])("%s", (_case, spec, message) => {
    expect(refusal(spec)).toBe(`invalid spec:\n  - ${message}`);
  });

  it("once for all unknown keys that are like none", () => {
    expect(refusal(withPrefect({ aaaa: 1, bbbb: 2, replica: 3 }))).toMatch(
      /^invalid spec:\n.*aaaa: unknown key; known are access, .*\n.*bbbb: unknown key\n.*replica: unknown key; did you mean "replicas"\?$/,
    );
  });
});
