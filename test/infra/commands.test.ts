import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { UserError } from "../../constructs/model/errors";
import { createCommand, withCloudOptions, withFormat, withVia } from "../../infra/command";
import { inProject, npmCommand, quote } from "../../infra/command-line";
import { refuseSwallowed } from "../../infra/swallowed";
import { COMMANDS } from "../fixtures/commands";
import { ProjectCopy, runProgram } from "../gcp/engine/project";

const project = new ProjectCopy();
/** A path with a blank, as people have it in their home directories. */
const ROOT = `${project.directory} with blank`;
const SUBFOLDER = join(ROOT, "infra", "environments");
const ELSEWHERE = `${project.directory} elsewhere`;
const BOTH = {
  instances: { main: {} },
  platforms: { prefect: {} },
  aws: { region: "eu-central-1" },
  gcp: { project: "my-project", projectNumber: "123456789012", region: "europe-west4", network: "ml" },
};
beforeAll(() => {
  renameSync(project.directory, ROOT);
  for (const file of readdirSync(SUBFOLDER)) rmSync(join(SUBFOLDER, file), { recursive: true });
  writeFileSync(join(SUBFOLDER, "ours.ts"), `export default ${JSON.stringify(BOTH)};\n`);
  mkdirSync(ELSEWHERE);
});
afterAll(() => {
  for (const directory of [ROOT, ELSEWHERE]) rmSync(directory, { recursive: true, force: true });
});

/** The real npm, without the settings of whoever runs the tests. */
function npm(cwd: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const settings = { npm_config_userconfig: join(ROOT, "none.npmrc"), npm_config_update_notifier: "false", NO_COLOR: "1" };
  const env = { ...process.env, ...settings, ...variables };
  const { status, stdout, stderr } = spawnSync("npm", ["--silent", ...args], { cwd, encoding: "utf8", env });
  return { status, stdout, stderr };
}
/** The same without npm and tsx, which take a while. */
const run = (command: string, ...args: readonly string[]) => runProgram(ROOT, [join(COMMANDS, `${command}.js`), ...args]);
const refused = (...args: readonly string[]) => npm(ROOT, args).stderr;
const keeps = (options: string, line: string) => `✖ npm does not pass on options before "--" (${options}); run ${line}\n`;

/** What `cdk deploy --outputs-file` writes. */
const OUTPUTS = JSON.stringify({
  "postgres-ours-access": {
    Instances: JSON.stringify({
      main: { host: "db.example", port: 5432, masterSecret: "arn", key: null, securityGroups: [], restart: null },
    }),
    Platforms: JSON.stringify({ prefect: { secretArn: "arn:prefect", readerRoleArn: null } }),
  },
});
const RENDER = ["run", "render", "--", "--cloud", "aws", "--environment", "ours", "--outputs", "outputs.json"];

describe("a command whose options npm keeps", () => {
  it.each([
    [["run", "plan", "--cloud", "aws"], "--cloud", "npm run plan -- --cloud aws"],
    [["start", "--once"], "--once", "npm start -- --once"],
    [["run", "doctor", "--format", "json"], "--format", "npm run doctor -- --format json"],
  ])("is refused with the whole line: npm %j", (args, options, line) => {
    expect(refused(...args)).toBe(keeps(options, line));
  });

  const command = withFormat(withVia(withCloudOptions(createCommand("plan", ""))))
    .option("--dry-run")
    .option("--against <path>")
    .option("--no-psql")
    .option("--yes")
    .option("-p, --platform <name>");
  /** What the script sees: npm's variables, and what npm has passed on. */
  const seen = (variables: Readonly<Record<string, string>>, args: readonly string[]): string | undefined => {
    for (const [name, value] of Object.entries({ ...variables, lifecycle_event: "plan" }))
      vi.stubEnv(name === "lifecycle_event" ? "npm_lifecycle_event" : `npm_config_${name}`, value);
    try {
      refuseSwallowed(command, args, ["ours"]);
      return undefined;
    } catch (error) {
      return `✖ ${(error as UserError).message}\n`;
    } finally {
      vi.unstubAllEnvs();
    }
  };

  it.each([
    // Newer versions of npm pass values on; older ones keep them, too.
    [{ cloud: "true", environment: "true", against: "true" }, ["ours", "gcp", "a b"], "--cloud gcp --environment ours --against 'a b'"],
    [{ cloud: "aws", environment: "ours" }, [], "--cloud aws --environment ours"],
    [{ via: "a=h:1\n\nb=h:2" }, ["--cloud", "aws"], "--via a=h:1 b=h:2 --cloud aws"],
    [{ psql: "" }, ["prefect"], "--no-psql prefect"],
    [{ environment: "true" }, ["ours", "prefect"], "--environment ours prefect"],
    [{ cloud: "true" }, [], "--cloud CLOUD"],
    // npm takes it for the beginning of its own option.
    [{}, ["json"], "--format json"],
    [{ dry_run: "true", environment: "ours" }, ["json"], "--format json --environment ours --dry-run"],
    // npm's own short forms.
    [{ call: "aws", parseable: "true" }, ["prefect"], "--cloud aws --platform prefect"],
  ])("is refused with the values that npm has passed on or kept: %j %j", (variables, args, line) => {
    expect(seen(variables, args)).toMatch(/^✖ npm does not pass on options before "--" \(/);
    expect(seen(variables, args)?.split("run npm run plan -- ")[1]).toBe(`${line}\n`);
  });

  it("is not refused for settings of npm's, nor where the option is given", () => {
    writeFileSync(join(ROOT, "own.npmrc"), "cloud = aws\n");
    expect(seen({ cloud: "aws", userconfig: join(ROOT, "own.npmrc") }, [])).toBeUndefined();
    expect(seen({ cloud: "gcp" }, ["--cloud", "aws"])).toBeUndefined();
    expect(seen({ cloud: "gcp" }, ["--cloud=aws"])).toBeUndefined();
    expect(seen({ yes: "true" }, [])).toBeUndefined();
  });

  it("is refused with a line for where the user stands", () => {
    expect(npm(ELSEWHERE, ["--prefix", ROOT, "run", "plan", "--cloud", "aws"]).stderr).toBe(
      keeps("--cloud", `npm --prefix '${ROOT}' run plan -- --cloud aws`),
    );
  });
});

describe("a command that is run from another directory", () => {
  it("finds files where the user stands, and says where it has written", () => {
    writeFileSync(join(SUBFOLDER, "outputs.json"), OUTPUTS);
    const { status, stdout } = npm(SUBFOLDER, RENDER);
    expect([status, stdout]).toEqual([0, `7 files in ${ROOT}/out/ours-aws; start with each platform's README.txt\n`]);
    writeFileSync(join(ELSEWHERE, "outputs.json"), OUTPUTS);
    const moved = npm(ELSEWHERE, ["--prefix", ROOT, ...RENDER], { PLATFORM_POSTGRES_DIRECTORY: "data" });
    expect(moved.stdout).toBe("7 files in data/out/ours-aws; start with each platform's README.txt\n");
    expect(existsSync(join(ELSEWHERE, "data", "out", "ours-aws", "summary.json"))).toBe(true);
    for (const directory of [SUBFOLDER, ELSEWHERE]) rmSync(join(directory, "outputs.json"));
  });

  it("prints what can be pasted there, with the environment and files", () => {
    const deploy = "npx cdk deploy --all -c environment=ours --outputs-file";
    expect(run("render", ...RENDER.slice(3)).stderr).toBe(`✖ there is no file outputs.json; run ${deploy} outputs.json\n`);
    expect(npm(ELSEWHERE, ["--prefix", ROOT, ...RENDER]).stderr).toBe(
      `✖ there is no file outputs.json; run (cd '${ROOT}' && ${deploy} '${ELSEWHERE}/outputs.json')\n`,
    );
    const gcp = RENDER.map((word) => (word === "aws" ? "gcp" : word));
    expect(npm(ELSEWHERE, ["--prefix", ROOT, ...gcp]).stderr).toBe(
      `✖ there is no file outputs.json; run pulumi --cwd '${ROOT}' stack output --json --stack ours > outputs.json\n`,
    );
    const plan = ["--prefix", ROOT, "run", "plan", "--", "--environment", "ours"];
    expect(npm(ELSEWHERE, plan, { PLATFORM_POSTGRES_DIRECTORY: "." }).stderr).toBe(
      `✖ --cloud is missing; to see everything on this machine, run PLATFORM_POSTGRES_DIRECTORY='${ELSEWHERE}' npm --prefix '${ROOT}' start -- --environment ours\n`,
    );
  });
});

describe("a checkout in a path with a blank", () => {
  it("is planned", () => {
    const { status, stderr, stdout } = npm(ROOT, ["run", "plan", "--", "--cloud", "gcp"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ours on Google Cloud, europe-west4, project my-project\n\ninstance main: PostgreSQL 17\n/);
    expect(stdout).toContain("\n18 resources in 2 parts\n");
  });

  it("is synthesized by the line that cdk runs", () => {
    const { app } = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")) as { readonly app: string };
    const env = { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ environment: "ours" }), CDK_OUTDIR: join(ROOT, "cdk.out") };
    const { status, stderr } = spawnSync("sh", ["-c", app], { cwd: ROOT, encoding: "utf8", env });
    expect([status, stderr]).toEqual([0, ""]);
    expect(readdirSync(join(ROOT, "cdk.out"))).toContain("postgres-ours-database.template.json");
  });

  it("rejects a local server there, and names a remedy", () => {
    const { status, stderr } = run("start", "--environment", "ours", "--once");
    expect(status).toBe(1);
    expect(stderr).toContain(
      `✖ the path ${ROOT} contains a space, which platform.env does not support; set PLATFORM_POSTGRES_DIRECTORY to another directory`,
    );
  });
});

describe("a path in an environment", () => {
  it.each([
    ["render", "--cloud", "aws"],
    ["render", "--cloud", "gcp"],
    ["start", "--once"],
  ])("starts at its file, for %s %s %s", (command, ...args) => {
    const masterSecret = args.includes("aws") ? "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" : "master";
    const theirs = { ...BOTH, instances: { main: { existing: { host: "db.example", ca: "certs/no.pem", masterSecret } } } };
    writeFileSync(join(SUBFOLDER, "theirs.ts"), `export default ${JSON.stringify(theirs)};\n`);
    const { stderr } = run(command ?? "", ...args, "--environment", "theirs");
    rmSync(join(SUBFOLDER, "theirs.ts"));
    expect(stderr).toContain(`\n  - instances.main.existing.ca: must be a readable file, got ${SUBFOLDER}/certs/no.pem; `);
  });
});

describe("a file that is something else", () => {
  const TEMPLATES = ["network", "database", "access", "platforms", "guard"].map((part) => `postgres-ours-${part}.template.json`).join(", ");

  it.each(["aws", "gcp"])("is not written over by a command that plan or render print on %s", (cloud) => {
    writeFileSync(join(ROOT, "README.md"), "# Mine\n");
    writeFileSync(join(ROOT, "state.json"), "{}");
    writeFileSync(join(ROOT, "cdk-outputs.json"), "{}");
    writeFileSync(join(ROOT, "outputs.json"), "{}");
    const plan = run("plan", "--cloud", cloud, "--environment", "ours", "--against", "README.md").stderr;
    const render = run("render", "--cloud", cloud, "--environment", "ours", "--outputs", "README.md").stderr;
    expect([plan, render]).toEqual(
      cloud === "aws"
        ? [
            `✖ README.md contains no template of ours; give a folder from cdk synth, one of ${TEMPLATES}, or an environment's file\n`,
            "✖ README.md is not valid JSON; run npx cdk deploy --all -c environment=ours --outputs-file cdk-outputs-2.json\n",
          ]
        : [
            "✖ README.md is not a state in JSON; run pulumi stack export --stack ours > state-2.json\n",
            "✖ README.md is not valid JSON; run pulumi stack output --json --stack ours > outputs-2.json\n",
          ],
    );
    for (const file of ["README.md", "state.json", "cdk-outputs.json", "outputs.json"]) rmSync(join(ROOT, file));
  });
});

describe("--format", () => {
  it("is the same option of every command that has it, whose result is text by default", () => {
    const lines = ["start", "doctor", "provision", "rotate"].map((command) => {
      const [, line] = /\n {2}(--format <format>.*?)\n {2}-/s.exec(run(command, "--help").stdout) ?? [];
      return line?.replaceAll(/\s+/g, " ");
    });
    expect([...new Set(lines)]).toEqual([
      '--format <format> the format of the result; progress, warnings and errors go to stderr (choices: "text", "json", default: "text")',
    ]);
    const plan = withFormat(createCommand("plan", ""), ["text", "markdown", "json", "html"]);
    expect(plan.helpInformation().replaceAll(/\s+/g, " ")).toContain(
      'stderr (choices: "text", "markdown", "json", "html", default: "text")',
    );
  });
});

describe("a printed command", () => {
  it("names what it is about, and quotes what a shell would take apart", () => {
    const about = { environment: "ours", cloud: "aws", outputs: "my outputs.json", via: ["main=localhost:5433"] };
    expect(npmCommand("provision", about, [], inProject())).toBe(
      "npm run provision -- --environment ours --cloud aws --outputs 'my outputs.json' --via main=localhost:5433",
    );
    expect(npmCommand("sql", { environment: "local" }, ["prefect"], inProject())).toBe("npm run sql -- prefect");
    expect(npmCommand("start", { environment: "local" }, [], inProject())).toBe("npm start");
    expect(quote("it's")).toBe("'it'\\''s'");
  });

  it("is written nowhere by hand: every text with one comes from the one place that makes them", () => {
    const checkout = join(__dirname, "..", "..");
    const files = ["infra", "constructs"].flatMap((folder) =>
      readdirSync(join(checkout, folder), { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    const byHand = files.flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => !/^\s*(\/\*\*|\*|\/\/)/.test(line) && /\b(npm run|npm start( --|;|`|")|npx cdk|run pulumi)\b/.test(line))
        .map((line) => `${file.slice(checkout.length + 1)}: ${line.trim()}`)
        // Pages are about any environment, and files of a new project about its own.
        .filter((line) => !/^infra\/(docs|init)\//.test(line)),
    );
    expect(byHand).toEqual([expect.stringMatching(/^infra\/command-line\.ts: IS_CHECKOUT \?/)]);
  });
});
