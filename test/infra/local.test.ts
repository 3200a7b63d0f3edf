import { readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIBPQ_QUERY } from "../../constructs/model/dead-connections";
import { chartDirectory } from "../../constructs/package/root";
import { doctorDocument, dryRunDocument, provisionDocument, rotateDocument } from "../../infra/documents/documents";
import { statusDocument } from "../../infra/documents/status-document";
import {
  commandLines,
  filesBelow,
  logOf,
  passwordsIn,
  processesOf,
  projectDirectory,
  remove,
  run,
  runApart,
  startAndStay,
  startScript,
  temporary,
} from "../fixtures/cli";
import { readDocument } from "../fixtures/documents";
import localEnvironment from "../fixtures/environments/local";

const PLATFORMS = Object.keys(localEnvironment.platforms).sort();
const CHECKED = "✔ \\d+ checks passed";
/** Of both logins of each platform, and of the master. */
const PASSWORDS = 2 * PLATFORMS.length + 1;

/** What a platform has besides. */
function filesOf(name: string): readonly string[] {
  if (name === "flyte") return ["config.yaml", "pass.txt", "values.yaml"];
  if (name === "kubeflow-pipelines") return ["kustomization.yaml", "platform.env"];
  const chart = name === "skillflaw" ? filesBelow(chartDirectory(name)).map((file) => `chart/${relative(chartDirectory(name), file)}`) : [];
  return ["migrate-job.yaml", "platform.env", "values.yaml", ...chart];
}

describe("npm start", () => {
  let directory: string;
  beforeAll(() => {
    directory = temporary();
  });
  afterAll(() => {
    running?.child.kill("SIGKILL");
    remove(directory, "local");
  });
  const passwords = () => passwordsIn(directory, "local", PLATFORMS);
  /** Started by one test, used by the next. */
  let running: Awaited<ReturnType<typeof startAndStay>> | undefined;
  /** What could be seen while a server ran. */
  let shown: { readonly passwords: readonly string[]; readonly args: readonly string[]; readonly output?: string } | undefined;

  it("provisions, checks, writes what each platform starts with, and stops, with --once", async () => {
    const { code, output } = await startScript(directory, "start", ["--once"]).result;
    expect(output).toMatch(/^✔ PostgreSQL 17\.\d+ runs on localhost:\d+/);
    expect(output).toMatch(new RegExp(CHECKED));
    expect(output).toMatch(
      new RegExp(
        `main: 200 connections = 127 for platforms \\+ 8 reserved \\+ 65 free\n! 2 warnings about platforms: flyte-rights-in-every-namespace, skillflaw-image-is-pinned\n  Read them with PLATFORM_POSTGRES_DIRECTORY=${directory} npm run doctor -- --all\n$`,
      ),
    );
    expect(code).toBe(0);
    // What README shows of it; versions, ports and times change.
    const [, block = ""] = /```text\n(✔ PostgreSQL [\s\S]*?)```/.exec(readFileSync(join(__dirname, "..", "..", "README.md"), "utf8")) ?? [];
    const masked = (text: string) => text.replaceAll(/\d+\.\d+( s)?\b|localhost:\d+/g, "N");
    const lines = masked(block).trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines.filter((line) => !masked(output).split("\n").includes(line))).toEqual([]);
    const rows = [
      ...readFileSync(join(__dirname, "..", "..", "docs", "reference", "files.md"), "utf8").matchAll(/^\| `([^`]+)` \| (.*) \|$/gm),
    ];
    const unlike = filesBelow(join(directory, "out", "local")).filter((file) => {
      const path = relative(join(directory, "out", "local"), file);
      const row = rows.find(([, name = ""]) => new RegExp(`^${name.replaceAll(/<\w+>/g, "[^/]+").replace(/\/$/, "/.*")}$`).test(path));
      return row === undefined || row[2]?.startsWith("*secret*") !== ((statSync(file).mode & 0o777) === 0o600);
    });
    expect(unlike, "files that docs/reference/files.md does not list as they are").toEqual([]);
    expect(
      filesBelow(join(directory, "out"))
        .map((file) => relative(join(directory, "out"), file))
        .sort(),
    ).toEqual([
      "local/ca.pem",
      ...PLATFORMS.flatMap((name) =>
        ["README.txt", "manifests.yaml", "secret.yaml", ...filesOf(name)].sort().map((file) => `local/${name}/${file}`),
      ),
      "local/summary.json",
    ]);
    expect(processesOf(directory, "local")).toEqual([]);
  });

  it("writes an environment of plain lines, with an absolute path of the CA", () => {
    const lines = readFileSync(join(directory, "out/local/mlflow/platform.env"), "utf8").trim().split("\n");
    expect(lines.map((line) => line.replace(/(PGPASSWORD=|PGPORT=).*/, "$1..."))).toEqual([
      `MLFLOW_BACKEND_STORE_URI=postgresql+psycopg2:///?${LIBPQ_QUERY}`,
      "MLFLOW_WORKERS=2",
      "PGHOST=localhost",
      "PGPORT=...",
      "PGDATABASE=mlflow",
      "PGUSER=mlflow_a",
      "PGPASSWORD=...",
      "PGSSLMODE=verify-full",
      `PGSSLROOTCERT=${directory}/out/local/ca.pem`,
      "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE=3",
      "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW=2",
      "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false",
    ]);
  });

  it("keeps data and passwords, and changes nothing the second time", async () => {
    const before = passwords();
    expect(before).toHaveLength(PASSWORDS);
    running = await startAndStay(directory);
    expect(running.output()).toContain(`✔ main is up to date (${PLATFORMS.length} platforms)`);
    expect(running.output()).toContain(
      [
        "",
        "  # MLflow",
        `  python3 -m venv ${directory}/.venv/mlflow`,
        `  ${directory}/.venv/mlflow/bin/pip install mlflow==3.15.1 psycopg2-binary==2.9.13`,
        `  env $(cat ${directory}/out/local/mlflow/platform.env) ${directory}/.venv/mlflow/bin/mlflow server`,
        "  # Prefect",
        "",
      ].join("\n"),
    );
    expect(running.output()).toContain(
      [
        `Open a prompt:      PLATFORM_POSTGRES_DIRECTORY=${directory} npm run sql -- mlflow`,
        `Rotate a password:  PLATFORM_POSTGRES_DIRECTORY=${directory} npm run rotate -- --platform mlflow`,
        `Find problems:      PLATFORM_POSTGRES_DIRECTORY=${directory} npm run doctor`,
        `For a cluster:      ${directory}/out/local/mlflow/README.txt`,
      ].join("\n"),
    );
    expect(passwords()).toEqual(before);
  });

  it("lets other commands use the running server, and stops it cleanly at Ctrl-C", async () => {
    if (running === undefined) throw new Error("no server runs");
    expect(processesOf(directory, "local")).toHaveLength(1);
    const doctor = await run(directory, "doctor");
    expect(doctor).toEqual({ code: 0, output: expect.stringMatching(new RegExp(`^${CHECKED}\n$`)) });

    const sql = await run(
      directory,
      "sql",
      ["prefect"],
      "create table t (id int);\ninsert into t values (1), (2);\nselect id, tableowner from t, pg_tables where tablename = 't' order by id;\n",
    );
    expect(sql.output).toMatch(/│ id │ tableowner {4}│/);
    expect(sql.output).toMatch(/│ 2 {2}│ prefect_owner │/);
    expect(sql.code).toBe(0);
    expect(await run(directory, "sql", ["prefect"], "select * from nowhere;\n")).toEqual({
      code: 1,
      output: 'ERROR: relation "nowhere" does not exist\n',
    });

    const asked = await run(
      directory,
      "sql",
      ["--platform", "prefect"],
      "\\dt\n\\d t\n\\l\n\\x\nselect 1 as one, chr(27) as two;\n\\q\nselect 1;\n",
    );
    expect(asked.output).toMatch(/│ public │ t {4}│ table │ prefect_owner │\n.*\n\(1 row\)\n/);
    expect(asked.output).toMatch(/│ id {5}│ integer │/);
    expect(asked.output).toMatch(/│ prefect {3,}│ prefect_owner {3,}│ UTF8 {5}│ true {8}│/);
    expect(asked).toEqual({ code: 0, output: expect.stringMatching(/\nexpanded display is on\none {2}1\ntwo {2}\\x1b\n\(1 row\)\n$/) });
    expect(await run(directory, "sql", ["prefect"], "\\dn\n")).toEqual({
      code: 1,
      output: "ERROR: \\dn: unknown command; \\? lists the commands of this prompt, psql has more\n",
    });
    expect(await run(directory, "sql", [], "select 1;\n")).toEqual({
      code: 1,
      output: `✖ the platform is missing; name one of environment local: ${Object.keys(localEnvironment.platforms).join(", ")}\n`,
    });

    const rotated = await run(directory, "rotate", ["--platform", "prefect"]);
    expect(rotated.output).toMatch(
      /✔ prefect has a new password, on login prefect_b .*\nprefect_a works until the next rotation\. Restart the platform with .*\/out\/local\/prefect\/platform\.env\.\n/,
    );
    expect(readFileSync(join(directory, "out/local/prefect/platform.env"), "utf8")).toContain("://prefect_b:");

    expect(readFileSync(join(directory, "out/local/mlflow/README.txt"), "utf8")).toContain(
      `\nOn this machine, in ${projectDirectory()}:\n\n  python3 -m venv ${directory}/.venv/mlflow\n`,
    );

    documents = await printDocuments();
    shown = { passwords: passwords(), args: commandLines() };
    running.child.kill("SIGINT");
    const ended = await running.result;
    shown = { ...shown, output: ended.output };
    expect(ended.code).toBe(0);
    expect(processesOf(directory, "local")).toEqual([]);
    expect(readFileSync(logOf(directory, "local"), "utf8")).toContain("database system is shut down");
  });

  /** What programs read while the server ran, and one person. */
  let documents: Awaited<ReturnType<typeof printDocuments>>;
  async function printDocuments() {
    const print = (command: string, ...args: readonly string[]) => runApart(directory, command, [...args, "--format", "json"]);
    /** But those of the server itself, which works in the background. */
    const files = () =>
      filesBelow(directory)
        .filter((file) => !file.includes("/.local/servers/"))
        .map((file) => `${file} ${statSync(file).mtimeMs}`);
    const upToDate = await print("provision", "--dry-run");
    // As the platform, who owns the database.
    await run(
      directory,
      "sql",
      ["mlflow"],
      "grant connect on database mlflow to public;\nalter database mlflow set statement_timeout = '9s';\n",
    );
    const before = files();
    const drifted = await print("provision", "--dry-run");
    const text = await run(directory, "provision", ["--dry-run"]);
    const after = files();
    const provisioned = await print("provision");
    const doctor = await print("doctor");
    const status = await print("status");
    await run(directory, "sql", ["mlflow"], "alter database mlflow reset statement_timeout;\n");
    const rotated = await print("rotate", "--platform", "mlflow");
    return { upToDate, drifted, text, files: { before, after }, provisioned, doctor, status, rotated };
  }

  it("says what provisioning would do, and writes nothing", () => {
    const { text, files } = documents;
    expect(files.before.length).toBeGreaterThan(20);
    expect(files.after).toEqual(files.before);
    expect(text).toEqual({
      code: 2,
      output: [
        `main: provisioning would run 1 statement and write 0 secrets (${2 * PLATFORMS.length} logins work)`,
        "  -- mlflow: everyone may connect to database mlflow",
        '  REVOKE ALL ON DATABASE "mlflow" FROM PUBLIC;',
        '  ! mlflow: mlflow sets statement_timeout to 9s for everybody; if nobody needs it: ALTER DATABASE "mlflow" RESET statement_timeout',
        "",
      ].join("\n"),
    });
  });

  it("shows its status, as a document, too", () => {
    const { instances } = readDocument(statusDocument, documents.status.stdout);
    expect(documents.status.code).toBe(0);
    expect(instances.map(({ name, connections }) => [name, connections.max - connections.expected])).toEqual([["main", 0]]);
    expect(Object.keys(instances[0]?.platforms ?? {}).sort()).toEqual([...PLATFORMS].sort());
    expect(instances[0]).toMatchObject({ machine: null, backups: null, notVisible: [] });
    const moments = Object.values(instances[0]?.platforms ?? {}).map(({ passwordSince }) => passwordSince);
    expect(moments).toEqual(PLATFORMS.map(() => expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)));
  });

  it("prints documents for programs, which nothing else is mixed with", () => {
    const { upToDate, drifted, provisioned, doctor, rotated } = documents;
    expect([upToDate, drifted, provisioned, doctor, rotated].map(({ code }) => code)).toEqual([0, 2, 1, 1, 0]);
    const works = PLATFORMS.flatMap((platform) => [
      { platform, login: expect.stringMatching(/_[ab]$/) },
      { platform, login: expect.stringMatching(/_[ab]$/) },
    ]);
    const main = { name: "main", host: "localhost", port: expect.any(Number), refusal: null };
    const nothing = { statements: [], secrets: [], problems: [], unsound: [], unknown: [], works: expect.arrayContaining(works) };
    const its = { schema: "platform-postgres/provision-dry-run/1", environment: "local", target: "local" };
    expect(readDocument(dryRunDocument, upToDate.stdout)).toEqual({ ...its, upToDate: true, instances: [{ ...main, ...nothing }] });

    const revoke = {
      platform: "mlflow",
      database: "postgres",
      sql: 'REVOKE ALL ON DATABASE "mlflow" FROM PUBLIC',
      passwordOf: null,
      reason: "everyone may connect to database mlflow",
    };
    const unsound = [{ platform: "mlflow", sentence: expect.stringMatching(/^mlflow sets statement_timeout to 9s for everybody; /) }];
    expect(readDocument(dryRunDocument, drifted.stdout)).toEqual({
      ...its,
      upToDate: false,
      instances: [{ ...main, ...nothing, statements: [revoke], unsound }],
    });

    const after = readDocument(provisionDocument, provisioned.stdout);
    expect(after.instances[0]?.statements).toEqual([revoke]);
    expect(after.platforms.mlflow).toEqual({
      instance: "main",
      databases: ["mlflow"],
      owner: "mlflow_owner",
      login: "mlflow_a",
      connectionLimit: expect.any(Number),
      configurationFile: `${directory}/out/local/mlflow/platform.env`,
      startCommands: expect.arrayContaining([expect.stringContaining("mlflow server")]),
    });
    expect(after.platforms.prefect?.login).toBe("prefect_b");
    const failed = after.checks.filter((check) => !check.passed);
    expect(failed.map(({ kind, name }) => [kind, name])).toEqual([["platform", "mlflow"]]);
    expect(readDocument(doctorDocument, doctor.stdout)).toMatchObject({ passed: false, checks: after.checks });

    expect(readDocument(rotateDocument, rotated.stdout)).toEqual({
      schema: "platform-postgres/rotate/1",
      environment: "local",
      target: "local",
      platform: "mlflow",
      works: true,
      login: "mlflow_b",
      previousLogin: "mlflow_a",
      revoked: false,
      endedSessions: null,
      problem: null,
      next: expect.stringMatching(/^Restart the platform with .*platform\.env\.$/),
    });
    const printed = [upToDate, drifted, provisioned, doctor, rotated].map(({ stdout, stderr }) => stdout + stderr).join("");
    expect(shown?.passwords.filter((password) => printed.includes(password))).toEqual([]);
    expect(printed).toBe(stripVTControlCharacters(printed));
    expect(printed).not.toContain("SCRAM-SHA-256");
  });

  it("puts passwords into files of mode 0600 only, into no log and no process's arguments", () => {
    const { passwords: all = [], args = [], output = "" } = shown ?? {};
    expect(all).toHaveLength(PASSWORDS);
    expect(all.filter((password) => args.some((arg) => arg.includes(password)) || output.includes(password))).toEqual([]);

    // PostgreSQL's own programs are not looked through.
    const written = [...filesBelow(directory), logOf(directory, "local")].filter((file) => !file.includes("/.local/postgresql-"));
    const holding = written.filter((file) => all.some((password) => readFileSync(file).includes(password)));
    expect(holding.map((file) => relative(directory, file)).sort()).toEqual([
      ...[...PLATFORMS.map((name) => `local--${name}`), "master"].map((name) => `.local/local/secrets/${name}.json`),
      ...PLATFORMS.flatMap((name) =>
        [name === "flyte" ? "pass.txt" : "platform.env", "secret.yaml"].map((file) => `out/local/${name}/${file}`),
      ),
    ]);
    expect(holding.filter((file) => (statSync(file).mode & 0o777) !== 0o600)).toEqual([]);
    expect(statSync(join(directory, ".local/local/secrets")).mode & 0o777).toBe(0o700);
  });

  it("starts a server for as long as a command needs it", async () => {
    const { code, output } = await run(directory, "rotate", ["--platform", "prefect", "--revoke"]);
    expect(output).toContain("prefect_b can no longer log in; 0 of its sessions ended.");
    expect(code).toBe(0);
    expect(processesOf(directory, "local")).toEqual([]);
    const dry = await run(directory, "provision", ["--dry-run"]);
    expect(dry.output).toMatch(/✔ main is up to date: provisioning would change nothing \(9 logins work\)\n$/);
    expect(dry.code).toBe(0);
    expect(processesOf(directory, "local")).toEqual([]);
  });
});
