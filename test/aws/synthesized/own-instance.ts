import { describe, expect, it } from "vitest";
import { awsInstanceFields } from "../../../constructs/aws/instance-fields";
import { findNotes } from "../../../infra/aws/notes";
import { findDangers } from "../../../infra/aws/plan";
import type { NamedSpec } from "../../../infra/spec";
import { minimalAws, resolveAws, withAws, withMain, withOwn } from "../../fixtures/aws";
import { databaseOf, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const INSTANCE = "AWS::RDS::DBInstance";
const THING = `database: ${INSTANCE} mainInstanceE2E9393F`;
const unprotected = withMain(minimalAws, { deletionProtection: false });
const instanceOf = (spec: NamedSpec) => propertiesOf(databaseOf(spec), INSTANCE, /^mainInstance/);
const policyOf = (spec: NamedSpec) => {
  const { DeletionPolicy, UpdateReplacePolicy } = Object.values(ofType(databaseOf(spec), INSTANCE))[0] ?? {};
  return [DeletionPolicy, UpdateReplacePolicy];
};
const dangers = (before: NamedSpec, after: NamedSpec) => findDangers("database", databaseOf(before), databaseOf(after));
const notes = (before: NamedSpec, after: NamedSpec) => findNotes("database", databaseOf(before), databaseOf(after));

/** Each setting that instances have on AWS only: what is found of it in a template, and what plan says of the change. */
const TOLD: Readonly<
  Record<keyof typeof awsInstanceFields, readonly [own: object, found: object, danger: RegExp | null, note: RegExp | null]>
> = {
  class: [
    { class: "db.m6i.xlarge" },
    { DBInstanceClass: "db.m6i.xlarge" },
    null,
    /would restart in its maintenance window, because of DBInstanceClass/,
  ],
  version: [
    { version: "17.6" },
    { EngineVersion: "17.6", AutoMinorVersionUpgrade: false },
    null,
    /would no longer get minor upgrades, and security fixes, by itself/,
  ],
  subnetGroup: [
    { subnetGroup: "shared-databases" },
    { DBSubnetGroupName: "shared-databases" },
    /would be replaced by an empty one, because of DBSubnetGroupName/,
    null,
  ],
  parameterGroup: [
    { parameterGroup: "ml-postgres17" },
    { DBParameterGroupName: "ml-postgres17" },
    null,
    /: its parameter group would take effect only at its next restart/,
  ],
  identifier: [
    { identifier: "ml-main" },
    { DBInstanceIdentifier: "ml-main" },
    /would be replaced by an empty one, because of DBInstanceIdentifier/,
    null,
  ],
  monitoringIntervalSeconds: [{ monitoringIntervalSeconds: 15 }, { MonitoringInterval: 15 }, null, null],
  finalSnapshot: [{ finalSnapshot: true }, {}, null, /would from then on be deleted with its stack, after a final snapshot/],
};

describe("what an instance has on AWS only", () => {
  it.each(Object.entries(TOLD))("reaches RDS, and a plan says what it changes: %s", (_name, [own, found, danger, note]) => {
    const changed = withOwn(minimalAws, own);
    expect(instanceOf(changed)).toMatchObject(found);
    expect(dangers(minimalAws, changed).filter((each) => danger?.test(each))).toHaveLength(danger === null ? 0 : 1);
    if (danger === null) expect(dangers(minimalAws, changed)).toEqual([]);
    expect(notes(minimalAws, changed).filter((each) => note?.test(each))).toHaveLength(note === null ? 0 : 1);
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

  it("leave the connections to the group, of which the spec says how many it has", () => {
    const max_connections = 300;
    const spec = withOwn(minimalAws, { parameterGroup: "ml-postgres17", parameters: { max_connections } });
    expect(resolveAws(spec).instances.main?.maxConnections).toBe(max_connections);
  });
});

describe("a version", () => {
  const pinned = (version: string) => withOwn(minimalAws, { version });

  it("goes from one minor to a later one, also from .9 to .10, and not back", () => {
    expect(dangers(pinned("17.9"), pinned("17.10"))).toEqual([]);
    expect(dangers(pinned("17.10"), pinned("17.9"))).toEqual([
      `${THING}: EngineVersion cannot go from 17.10 to 17.9; RDS lets it only grow`,
    ]);
    expect(dangers(minimalAws, pinned("17.6"))).toEqual([]);
    expect(dangers(pinned("17.6"), minimalAws)).toEqual([]);
    expect(notes(pinned("17.6"), minimalAws)).toContain(
      `${THING} would get minor upgrades by itself again; RDS rejects the change while its preferred minor version is older than the pinned one`,
    );
  });

  it("of the same major is no upgrade that replicas stand in the way of", () => {
    const replicated = (version: string) => withOwn(withMain(minimalAws, { readReplicas: 1 }), { version });
    expect(dangers(replicated("17.6"), replicated("17.7"))).toEqual([]);
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
      return dangers(before, after as NamedSpec).filter((danger) => danger.startsWith(THING));
    };
    expect(gone({})).toEqual([`${THING} would stay, but nothing would look after it; keep it in the spec`]);
    expect(gone({ finalSnapshot: true })).toEqual([
      `${THING} would be deleted, and a final snapshot would keep its data; keep it in the spec`,
    ]);
    expect(gone({ finalSnapshot: false })).toEqual([`${THING} would be deleted; keep it in the spec`]);
  });
});
