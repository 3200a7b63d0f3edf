import { describe, expect, it } from "vitest";
import { awsInstanceFields } from "../../../constructs/aws/instance-fields";
import type { NamedSpec } from "../../../infra/spec";
import { minimalAws, resolveAws, withAws, withMain, withOwn } from "../../fixtures/aws";
import { awsChanges, toLine } from "../../fixtures/plan";
import { databaseOf, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const INSTANCE = "AWS::RDS::DBInstance";
const unprotected = withMain(minimalAws, { deletionProtection: false });
const instanceOf = (spec: NamedSpec) => propertiesOf(databaseOf(spec), INSTANCE, /^mainInstance/);
const policyOf = (spec: NamedSpec) => {
  const { DeletionPolicy, UpdateReplacePolicy } = Object.values(ofType(databaseOf(spec), INSTANCE))[0] ?? {};
  return [DeletionPolicy, UpdateReplacePolicy];
};
const lines = (before: NamedSpec, after: NamedSpec): readonly string[] => awsChanges(before, after).map(toLine);

const WINDOW = "in its maintenance window (sun:04:00-sun:05:00 UTC)";
const VERSIONS = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]'";
const AFTER = `add read replicas only after that, when ${VERSIONS} shows the new version`;
const replaced = (what: string) => `main would be replaced by an empty instance, because ${what} cannot change; undo that change`;

/** Each setting that instances have on AWS only: what is found of it in a template, and all that plan says of the change. */
const TOLD: Readonly<Record<keyof typeof awsInstanceFields, readonly [own: object, found: object, told: readonly string[]]>> = {
  class: [
    { class: "db.m6i.xlarge" },
    { DBInstanceClass: "db.m6i.xlarge" },
    [
      `outage: instances.main.size: db.m7g.large (2 vCPUs, 8 GiB) -> db.m6i.xlarge (4 vCPUs, 16 GiB); restarts ${WINDOW} with the new size, by a failover, which typically takes 60 to 120 seconds`,
      `outage: instances.main.parameters.max_connections: 870 -> 1770; restarts ${WINDOW}`,
    ],
  ],
  version: [
    { version: "17.6" },
    { EngineVersion: "17.6", AutoMinorVersionUpgrade: false },
    [
      `outage: aws.instances.main.version: none -> 17.6; restarts into 17.6 ${WINDOW}, even with a standby; minor versions and security fixes are no longer installed automatically; ${AFTER}`,
    ],
  ],
  subnetGroup: [
    { subnetGroup: "shared-databases" },
    { DBSubnetGroupName: "shared-databases" },
    [`lost: aws.instances.main.subnetGroup: none -> shared-databases; ${replaced("its subnet group")}`],
  ],
  parameterGroup: [
    { parameterGroup: "ml-postgres17" },
    { DBParameterGroupName: "ml-postgres17" },
    [
      "outage: aws.instances.main.parameterGroup: none -> ml-postgres17; any static parameter in it waits for the next restart, which RDS does not start; alarms and the connection budget use the new value from the deployment on; after the deployment, run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately",
    ],
  ],
  identifier: [
    { identifier: "ml-main" },
    { DBInstanceIdentifier: "ml-main" },
    [`lost: aws.instances.main.identifier: none -> ml-main; ${replaced("its name")}`],
  ],
  restoredFrom: [
    { restoredFrom: { snapshot: "before-upgrade" } },
    { DBSnapshotIdentifier: "before-upgrade", DBInstanceClass: "db.m7g.large", MultiAZ: true, AllocatedStorage: "100" },
    [
      "lost: aws.instances.main.restoredFrom: none -> snapshot before-upgrade; main would be replaced by an instance with the data of snapshot before-upgrade; everything written since then is lost; undo that change, and restore into an instance with a new name",
    ],
  ],
  monitoringIntervalSeconds: [
    { monitoringIntervalSeconds: 15 },
    { MonitoringInterval: 15 },
    ["other: aws.instances.main.monitoringIntervalSeconds: 60 -> 15; the interval of measurements changes while it is in use"],
  ],
  finalSnapshot: [
    { finalSnapshot: true },
    {},
    ["other: aws.instances.main.finalSnapshot: none -> true; would be deleted with its stack, after a final snapshot"],
  ],
};

describe("what an instance has on AWS only", () => {
  it("is looked at here, field by field", () => {
    expect(Object.keys(TOLD).sort()).toEqual(Object.keys(awsInstanceFields).sort());
  });

  it.each(Object.entries(TOLD))("reaches RDS, and a plan says what it changes: %s", (_name, [own, found, told]) => {
    const changed = withOwn(minimalAws, own);
    expect(instanceOf(changed)).toMatchObject(found);
    expect(lines(minimalAws, changed)).toEqual(told);
    expect(text(databaseOf(changed)) === text(databaseOf(minimalAws))).toBe(false);
  });

  it("changes nothing by its defaults, written out", () => {
    const written = Object.fromEntries(Object.entries(awsInstanceFields).map(([key, field]) => [key, field.default]));
    expect(templatesOf(withOwn(minimalAws, written))).toEqual(templatesOf(minimalAws));
  });
});

describe("a class", () => {
  it("decides memory, and with it connections, alarms and parameters, on AWS only", () => {
    const spec = withOwn(minimalAws, { class: "db.r6i.2xlarge" });
    const { settings, maxConnections } = resolveAws(spec).instances.main ?? {};
    expect([settings?.size, maxConnections]).toEqual([{ vcpus: 8, memoryGib: 64 }, 5000]);
    const database = databaseOf(spec);
    expect(text(propertiesOf(database, "AWS::RDS::DBParameterGroup").Parameters)).toContain(",5000)");
    expect(propertiesOf(database, "AWS::CloudWatch::Alarm", /AlarmsMemory/).Threshold).toBe(Math.round(64 * 0.05 * 2 ** 30));
  });

  it("is the replicas', too", () => {
    const spec = withOwn(withMain(minimalAws, { readReplicas: 1 }), {
      class: "db.m5.large",
      monitoringIntervalSeconds: 0,
      version: "17.6",
    });
    const both = Object.values(ofType(databaseOf(spec), INSTANCE)).map(({ Properties = {} }) => [
      Properties.DBInstanceClass,
      Properties.MonitoringInterval,
      Properties.MonitoringRoleArn,
      Properties.AutoMinorVersionUpgrade,
    ]);
    expect(both).toEqual([
      ["db.m5.large", 0, undefined, false],
      ["db.m5.large", 0, undefined, false],
    ]);
    expect(ofType(databaseOf(spec), "AWS::IAM::Role")).toEqual(expect.not.objectContaining({ mainMonitoringRole: expect.anything() }));
  });
});

describe("existing groups", () => {
  it("are named, and none is created", () => {
    const database = databaseOf(withOwn(minimalAws, { subnetGroup: "shared", parameterGroup: "ml-postgres17" }));
    expect([ofType(database, "AWS::RDS::DBSubnetGroup"), ofType(database, "AWS::RDS::DBParameterGroup")]).toEqual([{}, {}]);
  });

  it("leave max_connections to the group, whose value the spec repeats", () => {
    const max_connections = 300;
    const spec = withOwn(minimalAws, { parameterGroup: "ml-postgres17", parameters: { max_connections } });
    expect(resolveAws(spec).instances.main?.maxConnections).toBe(max_connections);
  });
});

describe("a version", () => {
  const pinned = (version: string) => withOwn(minimalAws, { version });

  it("goes from one minor to a later one, also from .9 to .10, and not back", () => {
    const upgraded = (from: string, to: string) =>
      `outage: aws.instances.main.version: ${from} -> ${to}; restarts into ${to} ${WINDOW}, even with a standby`;
    expect(lines(pinned("17.9"), pinned("17.10"))).toEqual([`${upgraded("17.9", "17.10")}; ${AFTER}`]);
    expect(lines(pinned("17.10"), pinned("17.9"))).toEqual([
      "refused: aws.instances.main.version: 17.10 -> 17.9; PostgreSQL cannot go back to an older version, and RDS refuses this; undo that change",
    ]);
    expect(lines(pinned("17.6"), minimalAws)).toEqual([
      "other: aws.instances.main.version: 17.6 -> none; gets minor versions automatically again; RDS refuses this while its preferred minor version is older than the pinned one",
    ]);
  });
});

describe("deletion", () => {
  it("keeps the instance by default, and takes it away where the spec says so; a replacement keeps the old one in any case", () => {
    expect(policyOf(unprotected)).toEqual(["RetainExceptOnCreate", "Retain"]);
    expect(policyOf(withOwn(unprotected, { finalSnapshot: true }))).toEqual(["Snapshot", "Retain"]);
    expect(policyOf(withOwn(unprotected, { finalSnapshot: false }))).toEqual(["Delete", "Retain"]);
  });

  it("is reported for what it is", () => {
    const gone = (own: object) => {
      const before = withOwn(unprotected, own);
      const after = { ...before, instances: { other: {} }, aws: withAws(minimalAws, {}).aws };
      return lines(before, after as NamedSpec).filter((line) => !line.startsWith("lost: platforms."));
    };
    const made = "cost: instances.other; would be created";
    expect(gone({})).toEqual(["lost: instances.main; would stay, but would no longer be managed; keep it in the spec", made]);
    expect(gone({ finalSnapshot: true })).toEqual([
      "lost: instances.main; would be deleted, and a final snapshot would keep its data; keep it in the spec",
      made,
    ]);
    expect(gone({ finalSnapshot: false })).toEqual(["lost: instances.main; would be deleted; keep it in the spec", made]);
  });
});

describe("an instance that is restored", () => {
  const restored = (restoredFrom: object) => withOwn(minimalAws, { restoredFrom });

  it("restores with what RDS takes beside a source: no master user's name, and no key", () => {
    for (const [from, found] of [
      [{ snapshot: "before-upgrade" }, { DBSnapshotIdentifier: "before-upgrade" }],
      [{ instance: "ml-old" }, { SourceDBInstanceIdentifier: "ml-old", UseLatestRestorableTime: true }],
      [
        { instance: "ml-old", moment: "2026-11-30T12:00:00Z" },
        { SourceDBInstanceIdentifier: "ml-old", RestoreTime: "2026-11-30T12:00:00Z" },
      ],
    ] as const) {
      const its = instanceOf(restored(from));
      const sources = ["DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "RestoreTime", "UseLatestRestorableTime"];
      expect(Object.fromEntries(Object.entries(its).filter(([name]) => sources.includes(name)))).toEqual(found);
      expect(Object.keys(its)).toEqual(
        expect.arrayContaining(["MasterUserPassword", "DBParameterGroupName", "PerformanceInsightsKMSKeyId"]),
      );
      for (const inherited of ["MasterUsername", "KmsKeyId", "StorageEncrypted"]) expect(its).not.toHaveProperty(inherited);
    }
  });

  it("keeps the name of the source's master user in its secret", () => {
    const template = databaseOf(restored({ snapshot: "theirs", masterUsername: "postgres" }));
    expect(propertiesOf(template, "AWS::SecretsManager::Secret").GenerateSecretString).toMatchObject({
      SecretStringTemplate: '{"username":"postgres"}',
    });
  });

  it("is no replica of its source: its own replicas are counted, and leaving its source out would lose its data", () => {
    const before = restored({ instance: "ml-old", moment: "2026-11-30T12:00:00Z" });
    const withReplica = withMain(before, { readReplicas: 1 });
    expect(lines(before, withReplica)).toEqual([expect.stringMatching(/^cost: instances\.main\.readReplicas: 0 -> 1/)]);
    expect(lines(before, minimalAws)).toEqual([
      "lost: aws.instances.main.restoredFrom: ml-old at 2026-11-30T12:00:00Z -> none; main would be replaced by an empty instance; keep restoredFrom for as long as the instance exists",
    ]);
    expect(lines(before, restored({ instance: "ml-old" }))).toEqual([
      expect.stringMatching(
        /^lost: aws\.instances\.main\.restoredFrom: ml-old at 2026-11-30T12:00:00Z -> ml-old at the latest moment; main would be replaced/,
      ),
    ]);
  });

  it("is the way from one instance to another: beside it, platform by platform, and the old one goes last", () => {
    const { main = {} } = minimalAws.instances;
    const start = { ...minimalAws, platforms: { prefect: { instance: "main" } } };
    const source = { restoredFrom: { instance: "ml-old", moment: "2026-11-30T12:00:00Z" } };
    const beside = { ...withAws(start, { instances: { restored: source } }), instances: { main, restored: {} } };
    const repointed = { ...beside, platforms: { prefect: { instance: "restored" } } };
    const alone = { ...repointed, instances: { restored: {} } };
    expect(lines(start, beside)).toEqual(["cost: instances.restored; would be created"]);
    expect(lines(beside, repointed)).toEqual([
      "lost: platforms.prefect.instance: main -> restored; would use its databases as restored was restored, from ml-old at 2026-11-30T12:00:00Z; everything written to main since then does not move; stop the platform before you restore, or undo that change",
    ]);
    expect(lines(repointed, alone)).toEqual(["lost: instances.main; would stay, but would no longer be managed; keep it in the spec"]);
  });
});
