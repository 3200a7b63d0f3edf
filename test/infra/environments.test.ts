import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { ProjectCopy } from "../gcp/engine/project";

const project = new ProjectCopy();
const DIRECTORY = join(project.directory, "infra", "environments");
afterAll(() => project.remove());

/** A file as a user writes it. */
const write = (file: string, spec: object) => writeFileSync(join(DIRECTORY, `${file}.ts`), `export default ${JSON.stringify(spec)};\n`);
const ON_AWS = { aws: { region: "eu-central-1" }, instances: { main: {} }, platforms: {} };
/** The same as a person writes it in YAML. */
const YAML = [
  "# yaml-language-server: $schema=../../docs/reference/schemas/environment.json",
  "aws: { region: eu-central-1 }",
  "instances:",
  "  main: &small { size: { vcpus: 4, memoryGib: 16 } }",
  "  second: *small",
  "platforms: {}",
];
const LOCAL = { instances: { main: {} }, platforms: {} };

const plan = (...args: readonly string[]) => project.run("plan", args);
/** The environment that a command loads: `render` names it at once, where a plan would take seconds. */
const chosen = (...args: readonly string[]): string | undefined => / -c environment=(\S+) /.exec(project.run("render", args).stderr)?.[1];
/** What the CLI runs. */
const app = (context: object) =>
  project.run("app", [], { CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: join(project.directory, "cdk.out") });

describe("an environment", () => {
  beforeEach(() => {
    for (const file of readdirSync(DIRECTORY)) rmSync(join(DIRECTORY, file), { recursive: true });
    write("one", ON_AWS);
    write("here", LOCAL);
  });

  it("has its file's name, and is the only one with a cloud's section where none is named", () => {
    expect(chosen("--cloud", "aws")).toBe("one");
    expect(app({})).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(readdirSync(join(project.directory, "cdk.out"))).toContain("postgres-one-database.template.json");
  });

  it("that is a copy with the name of the first is refused, and plans nothing of that", () => {
    write("two", { name: "one", ...ON_AWS });
    expect(plan("--cloud", "aws", "--environment", "two")).toEqual({
      status: 1,
      stdout: "",
      stderr: '✖ infra/environments/two.ts: name must match the file\'s name, got "one"; remove it, or rename the file\n',
    });
  });

  it("has to be named where several could be meant: a guess could deploy, or destroy, another", () => {
    write("two", ON_AWS);
    expect(plan("--cloud", "aws").stderr).toBe("✖ 2 environments have a section aws; add --environment NAME with one of one, two\n");
    expect(app({})).toEqual({
      status: 1,
      stdout: "",
      stderr: "2 environments have a section aws; add -c environment=NAME with one of one, two\n",
    });
    expect(chosen("--cloud", "aws", "--environment", "two")).toBe("two");
  });

  it("is not guessed from a key that is nearly right", () => {
    expect(app({ enviroment: "staging" })).toEqual({
      status: 1,
      stdout: "",
      stderr: "unknown context key enviroment; did you mean -c environment=staging?\n",
    });
  });

  it("without a cloud's section is told which others have one, and no others", () => {
    expect(plan("--cloud", "aws", "--environment", "here").stderr).toBe(
      "✖ environment here has no section aws; write one into infra/environments/here.ts, or use one\n",
    );
    rmSync(join(DIRECTORY, "one.ts"));
    expect(plan("--cloud", "aws", "--environment", "here").stderr).toBe(
      "✖ environment here has no section aws; write one into infra/environments/here.ts\n",
    );
    expect(plan("--cloud", "aws").stderr).toBe("✖ no environment has a section aws; write one into a file of infra/environments\n");
  });

  it("that cannot be loaded is reported when it is named, and counts as one that could be meant", () => {
    writeFileSync(join(DIRECTORY, "broken.ts"), "export default {{\n");
    expect(plan("--cloud", "aws").stderr).toBe("✖ 2 environments have a section aws; add --environment NAME with one of broken, one\n");
    expect(chosen("--cloud", "aws", "--environment", "one")).toBe("one");
    expect(plan("--cloud", "aws", "--environment", "broken").stderr).toMatch(/^✖ infra\/environments\/broken\.ts cannot be loaded: /);
  });

  it("may be YAML or JSON, and is compared with a file of another commit in either", () => {
    rmSync(join(DIRECTORY, "one.ts"));
    writeFileSync(join(DIRECTORY, "two.yaml"), YAML.join("\n"));
    expect(chosen("--cloud", "aws")).toBe("two");
    const instances = { main: { size: { vcpus: 4, memoryGib: 16 } }, second: { size: { vcpus: 4, memoryGib: 32 } } };
    const before = join(project.directory, "before.json");
    writeFileSync(before, JSON.stringify({ $schema: "environment.json", ...ON_AWS, instances }));
    const { status, stdout, stderr } = plan("--cloud", "aws", "--against", before);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/instances\.second\.size: db\.r7g\.xlarge .+ -> db\.m7g\.xlarge /);

    for (const ending of ["json", "yml"]) {
      const file = join(DIRECTORY, `three.${ending}`);
      writeFileSync(file, JSON.stringify(ON_AWS));
      expect(chosen("--cloud", "aws", "--environment", "three")).toBe("three");
      rmSync(file);
    }
  });

  it("whose data is not valid is refused in one sentence with the file, line and column", () => {
    const refused = (file: string, content: string): string => {
      writeFileSync(join(DIRECTORY, file), content);
      const { status, stdout, stderr } = plan("--cloud", "aws", "--environment", "data");
      rmSync(join(DIRECTORY, file));
      expect([status, stdout]).toEqual([1, ""]);
      return stderr;
    };
    expect(refused("data.yaml", `${YAML.join("\n")}\nplatforms: {}\n`)).toBe(
      "✖ infra/environments/data.yaml:7:1: this key appears twice in one object\n",
    );
    expect(refused("data.json", '{\n  "aws": {},\n}\n')).toBe("✖ infra/environments/data.json:3:1: expected a key in double quotes\n");
    expect(refused("data.yml", "- aws\n")).toBe("✖ infra/environments/data.yml must contain an environment\n");
    expect(refused("data.json", JSON.stringify({ ...ON_AWS, $schem: "environment.json" }))).toMatch(
      /^✖ invalid spec:\n {2}- \$schem: unknown key; known are [^\n]+\n$/,
    );
    expect(refused("data.json", JSON.stringify({ name: "other", ...ON_AWS }))).toMatch(
      /^✖ infra\/environments\/data\.json: name must match /,
    );
    expect(refused("data.yml", "instances: { main: {} }\nplatforms: {}\n")).toMatch(
      /; write one into infra\/environments\/data\.yml, or use one\n$/,
    );
  });

  it("with two files is refused, and counts as one that could be meant", () => {
    writeFileSync(join(DIRECTORY, "here.json"), JSON.stringify(ON_AWS));
    expect(plan("--cloud", "aws").stderr).toBe("✖ 2 environments have a section aws; add --environment NAME with one of here, one\n");
    expect(app({ environment: "here" })).toEqual({
      status: 1,
      stdout: "",
      stderr: "environment here has two files, infra/environments/here.json and infra/environments/here.ts; remove or rename one\n",
    });
  });
});
