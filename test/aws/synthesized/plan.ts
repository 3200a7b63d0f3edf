import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findChanges } from "../../../infra/aws/changes";
import { planAws } from "../../../infra/aws/plan";
import { synthesize } from "../../../infra/aws/synthesize";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, minimalAws, productionAws, resolveAws, withAws, withMain } from "../../fixtures/aws";
import { temporary } from "../../fixtures/cli";
import { awsChanges, toLine } from "../../fixtures/plan";
import { templatesOf } from "../../fixtures/templates";

const KEY = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
const lines = (before: NamedSpec, after: NamedSpec): readonly string[] => awsChanges(before, after).map(toLine);

describe("a change", () => {
  it("reports the removal of a key by what it encrypts", () => {
    const key = { Type: "AWS::KMS::Key", DeletionPolicy: "Delete", Properties: {} };
    const of = (Type: string) => ({ Type, DeletionPolicy: "Retain", Properties: { KmsKeyId: { "Fn::GetAtt": ["Key", "Arn"] } } });
    const names = { instances: [], platforms: [], readers: {} };
    const told = (user: string) =>
      findChanges({ x: { Resources: { Key: key, User: of(user) } } }, { x: { Resources: { User: of(user) } } }, names).map(toLine);
    expect(told("AWS::SNS::Topic")).toEqual([]);
    expect(told("AWS::SecretsManager::Secret")).toEqual(["lost: x AWS::KMS::Key Key; its key would be deleted; keep it in the spec"]);
  });

  it("of a static parameter is a restart of replicas, too, and the output has the commands, replicas first", () => {
    const replicated = withMain(minimalAws, { readReplicas: 1 });
    const wait =
      "waits for the next restart, which RDS does not start; alarms and the connection budget use the new value from the deployment on; after the deployment, run aws rds reboot-db-instance --db-instance-identifier ID (the output Instances has the complete commands, replicas first), or set applyImmediately";
    expect(lines(replicated, withMain(replicated, { parameters: { max_connections: 300 } }))).toEqual([
      `outage: instances.main.parameters.max_connections: 870 -> 300; ${wait}`,
    ]);
    const { Outputs } = templatesOf(replicated).access as unknown as { Outputs: { Instances: { Value: unknown } } };
    const printed = JSON.stringify(Outputs.Instances.Value);
    expect(printed.match(/aws rds reboot-db-instance/g)).toHaveLength(2);
    expect(printed.indexOf("RefmainReplica1")).toBeLessThan(printed.lastIndexOf("RefmainInstance"));
  });

  it("names releases that go, and asks who looks after operators that stay", () => {
    const less = { ...withAws(productionAws, { cluster: CLUSTER }), platforms: { ...productionAws.platforms, mlflow: undefined } };
    expect(lines(productionAws, less as NamedSpec)).toEqual([
      "lost: platforms.mlflow; its secret would stay, but would no longer be managed; keep it in the spec, or remove it as docs/how-to/remove-a-platform.md describes",
      "outage: release mlflow/mlflow; would be uninstalled, and its pods stopped; its databases and its secret stay",
      ...["external-secrets", "reloader"].map(
        (name) =>
          `other: release platform-postgres-${name}/platform-postgres-${name}; would stay, with everything that uses it, but this stack would no longer upgrade it; name a new owner`,
      ),
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
    expect([same.changes, same.details, same.notes]).toEqual([[], [], []]);
    const one = planAws(resolveAws(withAws(minimalAws, { kmsKey: KEY })), join(directory, "postgres-minimal-database.template.json"));
    expect(one.changes.map(toLine)).toEqual([
      `lost: aws.kmsKey: none -> ${KEY}; main would be replaced by an empty instance, because its key cannot change; undo that change`,
    ]);
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
    const told = (place: string, spec: NamedSpec) => {
      const artifacts = { "postgres-minimal-database": { environment: `aws://${place}` }, "postgres-other-database": {} };
      writeFileSync(manifest, JSON.stringify({ artifacts }));
      return planAws(resolveAws(spec), directory).changes.map(toLine);
    };
    const away =
      "everything would be created there again, empty; the current resources stay; undo that change, or give the new environment another name";
    expect(told("unknown-account/eu-west-1", minimalAws)).toEqual([`lost: aws.region: eu-west-1 -> eu-central-1; ${away}`]);
    const withAccount = withAws(minimalAws, { account: "111122223333" });
    expect(told("999999999999/eu-central-1", withAccount)).toEqual([`lost: aws.account: 999999999999 -> 111122223333; ${away}`]);
    expect(told("unknown-account/eu-central-1", withAccount)).toEqual([]);
    expect(told("unknown-account/unknown-region", minimalAws)).toEqual([]);
    rmSync(manifest);
  });

  it("counts what there would be, and names the examples", () => {
    const plan = planAws(resolveAws(withAws(minimalAws, { account: { example: "111122223333" } })), null);
    expect(plan.resources).toContainEqual({ stack: "postgres-minimal-database", type: "AWS::RDS::DBInstance", count: 1 });
    expect([plan.examples, plan.compared, plan.changes]).toEqual([["aws.account"], null, []]);
  });

  const NAMES =
    "give a folder from cdk synth, one of postgres-minimal-network.template.json, postgres-minimal-database.template.json, postgres-minimal-access.template.json, postgres-minimal-platforms.template.json, postgres-minimal-guard.template.json, or an environment's file";
  it.each([__dirname, join(__dirname, "..", "..", "fixtures", "ids.json")])("refuses %s in a sentence", (path) => {
    expect(() => planAws(resolveAws(minimalAws), path)).toThrow(`${path} contains no template of minimal; ${NAMES}`);
  });

  it("refuses a path that is not there", () => {
    expect(() => planAws(resolveAws(minimalAws), "/no/such/path")).toThrow(
      "there is no file or folder /no/such/path; give a folder from cdk synth, or an environment's file",
    );
  });

  it("rejects a file that is not JSON, and ignores templates of other environments", () => {
    const other = join(directory, "other");
    mkdirSync(other);
    writeFileSync(join(other, "postgres-production-database.template.json"), "not read");
    const instance = { Type: "AWS::RDS::DBInstance", Properties: null };
    for (const content of ["no JSON", "null", "[]", '{"Resources":{"a":null}}', JSON.stringify({ Resources: { instance } })]) {
      writeFileSync(join(other, "postgres-minimal-database.template.json"), content);
      expect(() => planAws(resolveAws(minimalAws), other)).toThrow(
        `${other}/postgres-minimal-database.template.json is not a template in JSON; give one from cdk synth`,
      );
    }
  });

  it("also works for an existing database", () => {
    const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
    const existing = withAws(withMain(minimalAws, { existing: { host: "db.example", masterSecret } }), {
      alarmTopic: "arn:aws:sns:eu-central-1:111122223333:pager",
    });
    expect(planAws(resolveAws(existing), null).resources.some(({ stack }) => stack === "postgres-minimal-database")).toBe(false);
  });
});
