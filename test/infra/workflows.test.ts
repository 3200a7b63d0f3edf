import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ProjectCopy } from "../gcp/engine/project";

const CHECKOUT = resolve(__dirname, "..", "..");
const EXAMPLES = join(CHECKOUT, "examples", "github");
const OWN = join(CHECKOUT, ".github", "workflows");

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
}
interface Workflow {
  readonly on: object;
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

const read = (file: string): Workflow => parse(readFileSync(file, "utf8"));
const stepsOf = (workflow: Workflow) => Object.values(workflow.jobs).flatMap(({ steps }) => steps);
const files = [OWN, EXAMPLES].flatMap((folder) => readdirSync(folder).map((file) => relative(CHECKOUT, join(folder, file))));

describe("workflows for GitHub", () => {
  it.each(files)("%s has few rights and actions of exact versions", (file) => {
    const workflow = read(join(CHECKOUT, file));
    expect(workflow.permissions).toMatchObject({ contents: "read" });
    expect(
      stepsOf(workflow)
        .flatMap(({ uses }) => uses ?? [])
        .filter((action) => !/@v\d+\.\d+\.\d+$/.test(action)),
    ).toEqual([]);
  });

  it("run on pull requests, but the proofs of a night and a release, which no pull request starts", () => {
    const started = files.filter((file) => "pull_request" in read(join(CHECKOUT, file)).on);
    const others = files.filter((file) => !started.includes(file));
    expect(others).toEqual([".github/workflows/nightly.yaml", ".github/workflows/release.yaml"]);
  });

  it("show in this repository what there is to copy", () => {
    expect(read(join(OWN, "plan.yaml"))).toEqual(read(join(EXAMPLES, "plan.yaml")));
    expect(stepsOf(read(join(EXAMPLES, "snapshot.yaml"))).flatMap(({ run }) => run ?? [])).toEqual(["npm ci", "npm run snapshot"]);
  });
});

describe("the steps of the plan, as commands in a clone with a change", () => {
  const project = new ProjectCopy();
  const runner = `${project.directory}-runner`;
  const { steps } = read(join(EXAMPLES, "plan.yaml")).jobs.plan ?? { steps: [] };
  const summary = join(runner, "summary.md");
  const output = join(runner, "output");
  const variables = {
    ENVIRONMENT: "production",
    BASE: "base",
    RUNNER_TEMP: runner,
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_OUTPUT: output,
    GIT_CONFIG_GLOBAL: "/dev/null",
    NO_COLOR: "1",
  };
  const sh = (script: string, more: Readonly<Record<string, string>> = {}) =>
    spawnSync("bash", ["-e", "-c", script], { cwd: project.directory, encoding: "utf8", env: { ...process.env, ...variables, ...more } });
  const step = (name: string, more: Readonly<Record<string, string>>) => {
    const { run = "" } = steps.find((each) => each.name === name) ?? {};
    expect(run).not.toBe("");
    return sh(run, more);
  };
  const environment = join(project.directory, "infra", "environments", "production.ts");
  const plan = (cloud: string) => {
    rmSync(output, { force: true });
    rmSync(summary, { force: true });
    const { status, stderr } = step("Plan changes and cost", { CLOUD: cloud });
    const [, code = ""] = /^code=(\d+)$/m.exec(status === 0 ? readFileSync(output, "utf8") : "") ?? [];
    return { status, stderr, code, comment: status === 0 ? readFileSync(summary, "utf8") : "" };
  };

  beforeAll(() => {
    mkdirSync(runner, { recursive: true });
    const git = "git -c user.name=a -c user.email=a@example.com";
    writeFileSync(join(project.directory, ".gitignore"), "node_modules\n.build\n");
    const made = sh(`git init --quiet --initial-branch base && git add --all && ${git} commit --quiet --message base`);
    expect([made.status, made.stderr]).toEqual([0, ""]);
    expect(step("Check out the base branch", { CLOUD: "aws" }).status).toBe(0);
  });
  afterAll(() => {
    project.remove();
    rmSync(runner, { recursive: true, force: true });
  });

  it("pass where nothing changes", () => {
    const { status, code, comment } = plan("aws");
    expect([status, code]).toEqual([0, "0"]);
    expect(comment).toContain("**Nothing in postgres-production-database");
    expect(step("Fail if something would be lost or refused", { CLOUD: "aws", CODE: code }).status).toBe(0);
  });

  it.each(["aws", "gcp"])("tell on %s what would be lost, comment it, make a page of it, and fail then", (cloud) => {
    const before = readFileSync(environment, "utf8");
    writeFileSync(environment, before.replace("backupRetentionDays: 30", "backupRetentionDays: 8"));
    const { status, code, comment } = plan(cloud);
    writeFileSync(environment, before);
    expect([status, code]).toEqual([0, "2"]);
    // By this line the workflow finds its earlier comment.
    expect(comment.split("\n")[0]).toBe(`<!-- platform-postgres plan: production ${cloud} -->`);
    expect(comment).toContain(
      "| :x: lost | `instances.main.backupRetentionDays` | `30` → `8` | backups older than 8 days would be deleted soon after the deployment; **keep it at 30, unless nobody needs them** |",
    );
    expect(comment.length).toBeLessThan(65_536);
    expect(readFileSync(join(runner, `plan-production-${cloud}.html`), "utf8")).toMatch(/^<!doctype html>/i);
    expect(step("Fail if something would be lost or refused", { CLOUD: cloud, CODE: code }).status).toBe(2);
  });

  it("fail at once where the spec is wrong", () => {
    const before = readFileSync(environment, "utf8");
    writeFileSync(environment, before.replace("backupRetentionDays: 30", "backupRetentionDays: 400"));
    const { status, stderr } = plan("aws");
    writeFileSync(environment, before);
    expect(status).not.toBe(0);
    expect(stderr).toContain("instances.main.backupRetentionDays: must be a whole number from 0 to 365, got 400");
  });
});
