import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { awsFields } from "../../../constructs/aws/section";
import { instanceFields } from "../../../constructs/model/instance";
import { findNotes } from "../../../infra/aws/notes";
import { findDangers, planAws } from "../../../infra/aws/plan";
import { synthesize } from "../../../infra/aws/synthesize";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, minimalAws, NETWORK, productionAws, resolveAws, withAws, withMain } from "../../fixtures/aws";
import { temporary } from "../../fixtures/cli";
import { databaseOf, templatesOf } from "../../fixtures/templates";

/** In the database's stack, where a platform changes nothing. */
const dangersOfDatabase = (before: NamedSpec, after: NamedSpec): readonly string[] =>
  findDangers("database", databaseOf(before), databaseOf(after));

const dangers = (before: NamedSpec, after: NamedSpec): readonly string[] => {
  const [had, has] = [templatesOf(before), templatesOf(after)];
  return Object.entries(had).flatMap(([part, template]) => findDangers(part, template, has[part as keyof typeof has] ?? { Resources: {} }));
};

const KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
const large = withMain(minimalAws, { storageGib: 400 });
const REPLACED = /^database: AWS::RDS::DBInstance mainInstanceE2E9393F would be replaced by an empty one, because of /;
const KEPT = null;

/** Each field of an instance, changed: what the change loses, or null. */
const OF_INSTANCE: Readonly<Record<keyof typeof instanceFields, readonly [NamedSpec, object, RegExp | null]>> = {
  majorVersion: [minimalAws, { majorVersion: 18 }, KEPT],
  size: [minimalAws, { size: { vcpus: 4, memoryGib: 16 } }, KEPT],
  storageGib: [minimalAws, { storageGib: 500 }, KEPT],
  maxStorageGib: [minimalAws, { maxStorageGib: null }, KEPT],
  iops: [large, { iops: 20000 }, KEPT],
  throughputMibps: [large, { throughputMibps: 1000 }, KEPT],
  highAvailability: [minimalAws, { highAvailability: false }, KEPT],
  readReplicas: [minimalAws, { readReplicas: 1 }, KEPT],
  backupRetentionDays: [minimalAws, { backupRetentionDays: 30 }, KEPT],
  pointInTimeRecovery: [minimalAws, { pointInTimeRecovery: false }, KEPT],
  backupWindow: [minimalAws, { backupWindow: "00:00-01:00" }, KEPT],
  maintenanceWindow: [minimalAws, { maintenanceWindow: "sat:04:00-sat:05:00" }, KEPT],
  backupReplication: [minimalAws, { backupReplication: { region: "eu-west-1", kmsKey: KEY.replace("central", "west") } }, KEPT],
  iamAuthentication: [minimalAws, { iamAuthentication: true }, KEPT],
  deletionProtection: [minimalAws, { deletionProtection: false }, KEPT],
  parameters: [minimalAws, { parameters: { work_mem: "16MB" } }, KEPT],
  allowedSources: [minimalAws, { allowedSources: ["10.0.0.0/8"] }, KEPT],
  existing: [
    minimalAws,
    { existing: { host: "db.example", masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" } },
    /^database: AWS::RDS::DBInstance mainInstanceE2E9393F would stay, but nothing would look after it; /,
  ],
};

/** Each field of the section, changed. */
const OF_SECTION: Readonly<Record<keyof typeof awsFields, readonly [Parameters<typeof withAws>[1], RegExp | null]>> = {
  // A stack of another region or account is another stack: nothing of this one is touched.
  region: [{ region: "eu-central-1" }, KEPT],
  certificateAuthorities: [{ certificateAuthorities: "text" }, KEPT],
  account: [{ account: "111122223333" }, KEPT],
  network: [
    { network: { ...NETWORK, vpc: "vpc-0a1b2c3d4e5f60799" } },
    /^database: .* would move to another VPC, and RDS keeps an instance in its own; /,
  ],
  vpcCidr: [{ vpcCidr: "10.9.0.0/16" }, KEPT],
  zones: [{ zones: ["eu-central-1b", "eu-central-1c"] }, KEPT],
  existingSecretsManagerEndpoint: [{ existingSecretsManagerEndpoint: "sg-0a1b2c3d" }, KEPT],
  secretsManagerEndpoint: [{ secretsManagerEndpoint: true }, KEPT],
  cluster: [{ cluster: CLUSTER }, KEPT],
  kmsKey: [{ kmsKey: KEY }, REPLACED],
  alarmTopic: [{ alarmTopic: "arn:aws:sns:eu-central-1:111122223333:pager" }, KEPT],
  existingSecurityGroups: [{}, KEPT],
  applyImmediately: [{ applyImmediately: true }, KEPT],
  logRetentionDays: [{ logRetentionDays: 30 }, KEPT],
  rotationDays: [{ rotationDays: 5 }, KEPT],
  instances: [{ instances: { main: { storageGib: 500 } } }, KEPT],
};

const check = (found: readonly string[], expected: RegExp | null) =>
  expected === null ? expect(found).toEqual([]) : expect(found.filter((danger) => expected.test(danger))).toHaveLength(1);

describe("changing", () => {
  it("reports the removal of a key by what it encrypts", () => {
    const key = { Type: "AWS::KMS::Key", DeletionPolicy: "Delete", Properties: {} };
    const of = (Type: string) => ({ Type, DeletionPolicy: "Retain", Properties: { KmsKeyId: { "Fn::GetAtt": ["Key", "Arn"] } } });
    const dangersOf = (user: string) => findDangers("x", { Resources: { Key: key, User: of(user) } }, { Resources: { User: of(user) } });
    expect(dangersOf("AWS::SNS::Topic")).toEqual([]);
    expect(dangersOf("AWS::RDS::DBInstance")).toEqual(["x: AWS::KMS::Key Key would be deleted; keep it in the spec"]);
  });

  it("is told for every field that there is", () => {
    expect(Object.keys(OF_INSTANCE).sort()).toEqual(Object.keys(instanceFields).sort());
    expect(Object.keys(OF_SECTION).sort()).toEqual(Object.keys(awsFields).sort());
  });

  it.each(Object.entries(OF_INSTANCE))("instances.main.%s loses what the table says", (_field, [spec, change, expected]) => {
    check(dangersOfDatabase(spec, withMain(spec, change)), expected);
  });

  it.each(Object.entries(OF_SECTION))("aws.%s loses what the table says", (_field, [change, expected]) => {
    check(dangersOfDatabase(minimalAws, withAws(minimalAws, change)), expected);
  });

  it("a disk by less than a tenth is refused by RDS, and told, where it does not grow by itself", () => {
    const fixed = (storageGib: number) => withMain(minimalAws, { storageGib, maxStorageGib: null });
    expect(dangersOfDatabase(fixed(100), fixed(105))).toEqual([
      "database: AWS::RDS::DBInstance mainInstanceE2E9393F: AllocatedStorage cannot go from 100 to 105; RDS grows a disk by a tenth or more",
    ]);
    expect(dangersOfDatabase(fixed(100), fixed(110))).toEqual([]);
  });

  it("backups to none, or the protection away, is reported as a loss", () => {
    const bare = { backupRetentionDays: 0, pointInTimeRecovery: false };
    expect(dangersOfDatabase(minimalAws, withMain(minimalAws, bare))).toEqual([
      "database: AWS::RDS::DBInstance mainInstanceE2E9393F would have no automated backups, and no recovery to a moment; keep backupRetentionDays at 1 or more",
    ]);
    expect(dangersOfDatabase(withMain(minimalAws, bare), minimalAws)).toEqual([]);
    const ofAccess = (before: NamedSpec, after: NamedSpec) => findDangers("access", templatesOf(before).access, templatesOf(after).access);
    const open = withMain(minimalAws, { deletionProtection: false });
    expect(ofAccess(minimalAws, open)).toEqual([
      "access: an instance would no longer be protected from deletion; keep deletionProtection, unless it is to be deleted",
    ]);
    expect(ofAccess(open, minimalAws)).toEqual([]);
  });

  it("back to an older version or a smaller disk is refused by RDS, and told", () => {
    expect(dangersOfDatabase(withMain(minimalAws, { majorVersion: 18 }), minimalAws)).toEqual([
      "database: AWS::RDS::DBInstance mainInstanceE2E9393F: EngineVersion cannot go from 18 to 17; RDS lets it only grow",
    ]);
    expect(dangersOfDatabase(withMain(minimalAws, { storageGib: 200 }), minimalAws)).toEqual([
      "database: AWS::RDS::DBInstance mainInstanceE2E9393F: AllocatedStorage cannot go from 200 to 100; RDS lets it only grow",
    ]);
  });

  it("the major version together with replicas is refused by RDS, and told", () => {
    const before = withMain(minimalAws, { readReplicas: 1 });
    expect(dangersOfDatabase(before, withMain(before, { majorVersion: 18 }))).toEqual([
      "database: AWS::RDS::DBInstance mainInstanceE2E9393F cannot be upgraded together with its replicas; set readReplicas to 0 and deploy, change majorVersion and deploy, wait until the instance has the new version (at once with applyImmediately, else after its maintenance window), and set readReplicas back",
    ]);
  });

  it("follows the advice for a major upgrade with replicas to its end, without a word of loss", () => {
    const steps = [
      { majorVersion: 17, readReplicas: 1 },
      { majorVersion: 17, readReplicas: 0 },
      { majorVersion: 18, readReplicas: 0 },
      { majorVersion: 18, readReplicas: 1 },
    ] as const;
    const specs = steps.map((step) => withMain(minimalAws, step));
    const told = specs.slice(1).map((spec, index) => {
      const [before, after] = [databaseOf(specs[index] ?? spec), databaseOf(spec)];
      return [findDangers("database", before, after), findNotes("database", before, after)];
    });
    expect(told).toEqual([
      [
        [],
        ["database: AWS::RDS::DBInstance mainReplica17707FE11 would be deleted; a read replica has no data that its source does not have"],
      ],
      [
        [],
        [
          "database: AWS::RDS::DBInstance mainInstanceE2E9393F would restart in its maintenance window, because of EngineVersion; add replicas only after that, when aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,EngineVersion]' shows the new version",
        ],
      ],
      [[], []],
    ]);
  });

  it("the platforms loses the secret of one that is left out, which is kept but no longer looked after", () => {
    expect(dangers({ ...minimalAws, platforms: { prefect: {}, mlflow: {} } }, minimalAws)).toEqual([
      "access: AWS::SecretsManager::Secret mlflowsecretCB981E50 would stay, but nothing would look after it; keep it in the spec",
    ]);
  });

  it("an instance's name loses all of it", () => {
    const { main } = minimalAws.instances;
    const renamed = { ...minimalAws, instances: { other: main ?? {} } };
    expect(
      dangersOfDatabase(minimalAws, renamed).filter((danger) => danger.includes("nothing would look after it")).length,
    ).toBeGreaterThan(3);
  });
});

describe("what a change asks of a person", () => {
  const notes = (before: NamedSpec, after: NamedSpec) => findNotes("database", databaseOf(before), databaseOf(after));
  const INSTANCE = "database: AWS::RDS::DBInstance mainInstanceE2E9393F";
  const REAL_SIZE = "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,AllocatedStorage]' shows the real size";

  it("is a restart for static parameters, which RDS does not bring about, and the command", () => {
    const change = { parameters: { max_connections: 300, shared_buffers: "1GB", work_mem: "16MB" } };
    expect(notes(minimalAws, withMain(minimalAws, change))).toEqual([
      `${INSTANCE}: max_connections, shared_buffers would take effect only at its next restart; RDS does not restart it, and alarms and the connection budget use the new value from the deployment on. After the deployment, run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately`,
    ]);
    expect(notes(minimalAws, withMain(minimalAws, { parameters: { work_mem: "16MB" } }))).toEqual([]);
  });

  it("is nothing where CloudFormation restarts at once, or another class does it in the window; both are told", () => {
    const immediately = withAws(minimalAws, { applyImmediately: true });
    expect(notes(immediately, withMain(immediately, { parameters: { max_connections: 300 } }))).toEqual([
      `${INSTANCE} would restart at once, because of max_connections`,
    ]);
    expect(notes(minimalAws, withMain(minimalAws, { size: { vcpus: 4, memoryGib: 16 } }))).toEqual([
      `${INSTANCE} would restart in its maintenance window, because of DBInstanceClass, max_connections`,
    ]);
  });

  it("is the same of replicas, which have their own restart", () => {
    const replicated = withMain(minimalAws, { readReplicas: 1 });
    const changed = withMain(replicated, { parameters: { max_connections: 300 } });
    expect(notes(replicated, changed).map((note) => note.split(" would take effect")[0])).toEqual([
      `${INSTANCE}: max_connections`,
      "database: AWS::RDS::DBInstance mainReplica17707FE11: max_connections",
    ]);
    const { Outputs } = templatesOf(replicated).access as unknown as { Outputs: { Instances: { Value: unknown } } };
    const printed = JSON.stringify(Outputs.Instances.Value);
    expect(printed.match(/aws rds reboot-db-instance/g)).toHaveLength(2);
    expect(printed.indexOf("RefmainReplica1")).toBeLessThan(printed.lastIndexOf("RefmainInstance"));
  });

  it("names what closes for others: a way to Secrets Manager", () => {
    const all = (before: NamedSpec, after: NamedSpec) => findNotes("access", templatesOf(before).access, templatesOf(after).access);
    expect(all(withAws(minimalAws, { secretsManagerEndpoint: true }), minimalAws)).toEqual([
      "access: the endpoint of Secrets Manager would be deleted; after that, everything in the VPC needs another way to Secrets Manager",
    ]);
  });

  it("is to look at the real size before a disk that grows by itself is enlarged", () => {
    expect(notes(minimalAws, withMain(minimalAws, { storageGib: 200 }))).toEqual([
      `${INSTANCE} would grow from 100 to 200 GiB: RDS rejects that if its disk has grown beyond 181 GiB by itself, unless it is 200 GiB already (${REAL_SIZE})`,
    ]);
    const fixed = (storageGib: number) => withMain(minimalAws, { storageGib, maxStorageGib: null });
    expect(notes(fixed(100), fixed(200))).toEqual([]);
  });

  it("is the same before a replica with a size of its own is added, and not below 400 GiB, where it gets its source's", () => {
    expect(notes(large, withMain(large, { readReplicas: 1 }))).toEqual([
      `database: AWS::RDS::DBInstance mainReplica17707FE11 is a new replica with 400 GiB: RDS rejects one that is smaller than its source; if the source's disk has grown beyond that by itself, raise storageGib to its real size first (${REAL_SIZE})`,
    ]);
    expect(notes(minimalAws, withMain(minimalAws, { readReplicas: 1 }))).toEqual([]);
  });

  it("is who looks after operators that stay, and names releases that go", () => {
    const [before, after] = [
      productionAws,
      { ...withAws(productionAws, { cluster: CLUSTER }), platforms: { ...productionAws.platforms, mlflow: undefined } },
    ].map((spec) => templatesOf(spec).platforms);
    if (before === undefined || after === undefined) throw new TypeError("no platforms");
    expect(findNotes("platforms", before, after)).toEqual([
      ...["external-secrets", "reloader"].map(
        (name) =>
          `platforms: release platform-postgres-${name} in namespace platform-postgres-${name} would stay, with everything that uses it, but this stack would no longer upgrade it; name a new owner`,
      ),
      "platforms: release mlflow in namespace mlflow would be uninstalled, and its pods stopped; its databases and its secret stay",
    ]);
  });
});

describe("a plan", () => {
  const directory = temporary();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("compares stored templates by the stack that their file names", () => {
    for (const [stack, template] of Object.entries(synthesize(resolveAws(minimalAws))))
      writeFileSync(join(directory, `${stack}.template.json`), JSON.stringify(template));
    const same = planAws(resolveAws(minimalAws), directory);
    expect(same.compared).toEqual(["postgres-minimal-access", "postgres-minimal-database", "postgres-minimal-guard"]);
    expect([same.dangers, same.notes]).toEqual([[], []]);
    const one = planAws(resolveAws(withAws(minimalAws, { kmsKey: KEY })), join(directory, "postgres-minimal-database.template.json"));
    expect(one.dangers.some((danger) => danger.startsWith("postgres-minimal-database: AWS::RDS::DBInstance"))).toBe(true);
  });

  it("ignores templates that an earlier run of the CDK has left in the folder", () => {
    const earlier = join(directory, "postgres-minimal-platforms.template.json");
    const manifest = join(directory, "manifest.json");
    const artifacts = { "postgres-minimal-access": {}, "postgres-minimal-database": {}, "postgres-minimal-guard": {} };
    writeFileSync(earlier, JSON.stringify({ Resources: {} }));
    writeFileSync(manifest, JSON.stringify({ artifacts }));
    expect(planAws(resolveAws(minimalAws), directory).compared).toEqual(Object.keys(artifacts));
    rmSync(earlier);
    rmSync(manifest);
  });

  it("says that nothing moves to another region or account", () => {
    const manifest = join(directory, "manifest.json");
    const dangersFrom = (place: string, spec: NamedSpec) => {
      const artifacts = { "postgres-minimal-database": { environment: `aws://${place}` }, "postgres-other-database": {} };
      writeFileSync(manifest, JSON.stringify({ artifacts }));
      return planAws(resolveAws(spec), directory).dangers.filter((danger) => danger.includes("made anew"));
    };
    const away = "beside what is there; take that change back, or give the new environment another name";
    expect(dangersFrom("unknown-account/eu-west-1", minimalAws)).toEqual([
      `postgres-minimal-database is in eu-west-1, and would be made anew, empty, in eu-central-1, ${away}`,
    ]);
    const withAccount = withAws(minimalAws, { account: "111122223333" });
    expect(dangersFrom("999999999999/eu-central-1", withAccount)).toEqual([
      `postgres-minimal-database is in account 999999999999, and would be made anew, empty, in account 111122223333, ${away}`,
    ]);
    expect(dangersFrom("unknown-account/eu-central-1", withAccount)).toEqual([]);
    expect(dangersFrom("unknown-account/unknown-region", minimalAws)).toEqual([]);
    rmSync(manifest);
  });

  it("counts what there would be, and names the examples", () => {
    const plan = planAws(resolveAws(withAws(minimalAws, { account: { example: "111122223333" } })), null);
    expect(plan.resources).toContainEqual({ stack: "postgres-minimal-database", type: "AWS::RDS::DBInstance", count: 1 });
    expect([plan.examples, plan.compared, plan.dangers]).toEqual([["aws.account"], null, []]);
  });

  const NAMES =
    "give a folder that cdk synth has written, or one of postgres-minimal-network.template.json, postgres-minimal-database.template.json, postgres-minimal-access.template.json, postgres-minimal-platforms.template.json, postgres-minimal-guard.template.json";
  it.each([__dirname, __filename])("refuses %s in a sentence", (path) => {
    expect(() => planAws(resolveAws(minimalAws), path)).toThrow(`${path} contains no template of minimal; ${NAMES}`);
  });

  it("refuses a path that is not there", () => {
    expect(() => planAws(resolveAws(minimalAws), "/no/such/path")).toThrow(
      "there is no file or folder /no/such/path; give a folder that cdk synth has written",
    );
  });

  it("refuses what is no JSON, and leaves templates of other environments alone", () => {
    const other = join(directory, "other");
    mkdirSync(other);
    writeFileSync(join(other, "postgres-production-database.template.json"), "not read");
    writeFileSync(join(other, "postgres-minimal-database.template.json"), "no JSON");
    expect(() => planAws(resolveAws(minimalAws), other)).toThrow(
      `${other}/postgres-minimal-database.template.json is not a template in JSON; give one that cdk synth has written`,
    );
  });

  it("of a database that somebody else made is one, too", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const existing = withAws(withMain(minimalAws, { existing: { host: "db.example", masterSecret } }), {
      alarmTopic: "arn:aws:sns:eu-central-1:111122223333:pager",
    });
    expect(planAws(resolveAws(existing), null).resources.some(({ stack }) => stack === "postgres-minimal-database")).toBe(false);
  });
});
