import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverAccount } from "../../constructs/local/account";
import { chartDirectory } from "../../infra/chart";

const CHECKOUT = resolve(__dirname, "..", "..");
const PLATFORMS = ["flyte", "kubeflow-pipelines", "mlflow", "prefect", "skillflaw"];

interface Result {
  readonly code: number | null;
  readonly output: string;
}

/** A command of package.json, as npm runs it. */
function start(
  directory: string,
  command: string,
  args: readonly string[] = [],
  input?: string,
): { readonly child: ChildProcess; readonly result: Promise<Result>; output(): string } {
  const child = spawn(process.execPath, ["--require", "tsx/cjs", join("infra", "local", `${command}.ts`), ...args], {
    cwd: CHECKOUT,
    env: { ...process.env, PLATFORM_POSTGRES_DIRECTORY: directory, NO_COLOR: "1" },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const chunks: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
  child.stdin?.end(input);
  const result = new Promise<Result>((done) => child.once("close", (code) => done({ code, output: chunks.join("") })));
  return { child, result, output: () => chunks.join("") };
}

async function run(directory: string, command: string, args: readonly string[] = [], input?: string): Promise<Result> {
  const { code, output } = await start(directory, command, args, input).result;
  // What the environment's own spec is warned of.
  return { code, output: output.replaceAll(/^! platforms\..*\n/gm, "") };
}

async function startAndStay(directory: string): Promise<ReturnType<typeof start>> {
  const running = start(directory, "start");
  while (!running.output().includes("Ctrl-C stops")) {
    if (running.child.exitCode !== null) throw new Error(running.output());
    await pause(20);
  }
  return running;
}

const filesBelow = (directory: string): readonly string[] =>
  readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const passwordsIn = (directory: string): readonly string[] =>
  [...PLATFORMS.map((name) => `local--${name}`), "master"].flatMap((name) =>
    [...readFileSync(join(directory, ".local", "local", "secrets", `${name}.json`), "utf8").matchAll(/"password": "([^"]+)"/g)].map(
      (match) => match[1] ?? "",
    ),
  );

/** What a platform has besides. */
function filesOf(name: string): readonly string[] {
  if (name === "flyte") return ["config.yaml", "pass.txt", "values.yaml"];
  if (name === "kubeflow-pipelines") return ["kustomization.yaml", "platform.env"];
  const chart = name === "skillflaw" ? filesBelow(chartDirectory(name)).map((file) => `chart/${relative(chartDirectory(name), file)}`) : [];
  return ["migrate-job.yaml", "platform.env", "values.yaml", ...chart];
}

/** A directory of the commands' own, so that they touch nobody's data. */
function temporary(): string {
  const parent = process.env.TEST_SERVERS ?? tmpdir();
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const directory = mkdtempSync(join(parent, "cli-"));
  // As a checkout is: the server's account gets there.
  chmodSync(directory, 0o755);
  return directory;
}

describe("npm start", { timeout: 60_000 }, () => {
  let directory: string;
  beforeAll(() => {
    directory = temporary();
  });
  afterAll(() => {
    // Programs and servers: <home>/servers/local/main.
    rmSync(resolve(serverOf(directory), "..", "..", ".."), { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  });

  it("provisions, checks, writes what each platform starts with, and stops, with --once", async () => {
    const { code, output } = await run(directory, "start", ["--once"]);
    expect(output).toMatch(/✔ PostgreSQL 17\.\d+ runs on localhost:\d+/);
    expect(output).toMatch(/✔ \d+ checks of 6 subjects hold/);
    expect(output).toContain("main: 200 connections = 125 for platforms + 8 reserved + 67 free");
    expect(code).toBe(0);
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
    expect(processesOf(directory)).toEqual([]);
  });

  it("writes an environment of plain lines, with an absolute path of the CA", () => {
    const lines = readFileSync(join(directory, "out/local/mlflow/platform.env"), "utf8").trim().split("\n");
    expect(lines.map((line) => line.replace(/(PGPASSWORD=|PGPORT=).*/, "$1..."))).toEqual([
      "MLFLOW_BACKEND_STORE_URI=postgresql+psycopg2://",
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
    const before = passwordsIn(directory);
    expect(before).toHaveLength(11);
    const { code, output } = await run(directory, "start", ["--once"]);
    expect(output).toContain("✔ main is as it should be (5 platforms)");
    expect(code).toBe(0);
    expect(passwordsIn(directory)).toEqual(before);
  });

  it("lets other commands use the running server, and stops it cleanly at Ctrl-C", async () => {
    const running = await startAndStay(directory);
    expect(processesOf(directory)).toHaveLength(1);
    const doctor = await run(directory, "doctor");
    expect(doctor).toEqual({ code: 0, output: expect.stringMatching(/^✔ \d+ checks of 6 subjects hold\n$/) });

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

    const rotated = await run(directory, "rotate", ["--platform", "prefect"]);
    expect(rotated.output).toMatch(
      /✔ prefect has a new password, on login prefect_b .*\nprefect_a works until the next rotation\. Restart the platform with out\/local\/prefect\/platform\.env\.\n/,
    );
    expect(readFileSync(join(directory, "out/local/prefect/platform.env"), "utf8")).toContain("://prefect_b:");

    running.child.kill("SIGINT");
    expect((await running.result).code).toBe(0);
    expect(processesOf(directory)).toEqual([]);
    expect(readFileSync(logOf(directory), "utf8")).toContain("database system is shut down");
  });

  it("starts a server for as long as a command needs it", async () => {
    const { code, output } = await run(directory, "rotate", ["--platform", "prefect", "--revoke"]);
    expect(output).toContain("prefect_b can no longer log in; 0 of its sessions ended.");
    expect(code).toBe(0);
    expect(processesOf(directory)).toEqual([]);
  });

  it("puts passwords into files of mode 0600 only, into no log and no process's arguments", async () => {
    const running = await startAndStay(directory);
    const passwords = passwordsIn(directory);
    const args = commandLines();
    running.child.kill("SIGTERM");
    const { output } = await running.result;
    expect(passwords.filter((password) => args.some((arg) => arg.includes(password)) || output.includes(password))).toEqual([]);

    const holding = [...filesBelow(directory), logOf(directory)].filter((file) =>
      passwords.some((password) => readFileSync(file).includes(password)),
    );
    expect(holding.map((file) => relative(directory, file)).sort()).toEqual([
      ...[...PLATFORMS.map((name) => `local--${name}`), "master"].map((name) => `.local/local/secrets/${name}.json`),
      ...PLATFORMS.flatMap((name) =>
        [name === "flyte" ? "pass.txt" : "platform.env", "secret.yaml"].map((file) => `out/local/${name}/${file}`),
      ),
    ]);
    expect(holding.filter((file) => (statSync(file).mode & 0o777) !== 0o600)).toEqual([]);
    expect(statSync(join(directory, ".local/local/secrets")).mode & 0o777).toBe(0o700);
  });

  it("recovers from SIGKILL at any moment, and loses no password", async () => {
    const before = passwordsIn(directory);
    for (const moment of [150, 500, 900]) {
      const running = start(directory, "start");
      await pause(moment);
      running.child.kill("SIGKILL");
      await running.result;
    }
    const { code, output } = await run(directory, "start", ["--once"]);
    expect(output).toMatch(/✔ \d+ checks of 6 subjects hold/);
    expect(code).toBe(0);
    expect(passwordsIn(directory)).toEqual(before);
    expect(processesOf(directory)).toEqual([]);
  });

  it("forgets a pid that has become another program's, and takes the next port where one is taken", async () => {
    const data = join(logOf(directory), "..", "data");
    // PostgreSQL itself takes a process of its own account for a running server.
    const other = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { ...serverAccount(), cwd: "/", stdio: "ignore" });
    writeFileSync(join(data, "postmaster.pid"), `${other.pid}\n${data}\n0\n54320\n\nlocalhost\n\nready   \n`);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.once("error", () => resolve()).listen(54320, "127.0.0.1", resolve));
    const { code, output } = await run(directory, "start", ["--once"]);
    await new Promise((resolve) => taken.close(resolve));
    expect(other.exitCode).toBeNull();
    other.kill();
    expect(output).toMatch(/runs on localhost:543(2[1-9]|[3-6]\d)/);
    expect(code).toBe(0);
  });

  it("lets several commands share one server, and stops it after the last", async () => {
    const results = await Promise.all([
      run(directory, "start", ["--once"]),
      run(directory, "start", ["--once"]),
      run(directory, "doctor"),
      run(directory, "rotate", ["--platform", "mlflow"]),
    ]);
    expect(results.map(({ code, output }) => (code === 0 ? "" : output))).toEqual(["", "", "", ""]);
    expect(processesOf(directory)).toEqual([]);
    const [current] = [
      ...readFileSync(join(directory, ".local/local/secrets/local--mlflow.json"), "utf8").matchAll(/"password": "([^"]+)"/g),
    ];
    expect(readFileSync(join(directory, "out/local/mlflow/platform.env"), "utf8")).toContain(`PGPASSWORD=${current?.[1]}\n`);
  });

  it("ends with a sentence when its server is ended by somebody else", async () => {
    const running = await startAndStay(directory);
    const pid = Number(readFileSync(join(serverOf(directory), "data", "postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGINT");
    const { code, output } = await running.result;
    expect(output).toMatch(/✖ the server on localhost:\d+ has ended; see .*postgres\.log, and run this again\n$/);
    expect(code).toBe(1);
  });

  it("says in a sentence that the data is of another major version", async () => {
    const file = join(logOf(directory), "..", "data", "PG_VERSION");
    writeFileSync(file, "16\n");
    const { code, output } = await run(directory, "start", ["--once"]);
    writeFileSync(file, "17\n");
    expect(output).toMatch(
      /^✖ .*data holds data of PostgreSQL 16, the spec says 17; set majorVersion to 16, or delete the data with npm start -- --reset\n$/,
    );
    expect(code).toBe(1);
  });

  it("deletes only when somebody confirms it", async () => {
    const before = passwordsIn(directory);
    expect(await run(directory, "start", ["--once", "--reset"])).toEqual({
      code: 1,
      output: "✖ --reset asks before it deletes, and nobody can answer here; add --yes\n",
    });
    expect(passwordsIn(directory)).toEqual(before);
    expect((await run(directory, "start", ["--once", "--reset", "--yes"])).code).toBe(0);
    expect(passwordsIn(directory).filter((password) => before.includes(password))).toEqual([]);
  });

  it("tells a mistake in a line", async () => {
    const mistakes: readonly (readonly [string, readonly string[], string])[] = [
      ["start", ["--environment", "locl"], '✖ there is no environment locl in infra/environments; did you mean "local"?\n'],
      ["rotate", ["--platform", "prefct"], '✖ environment local has no platform prefct; did you mean "prefect"?\n'],
      ["rotate", [], "error: required option '-p, --platform <name>' not specified\n"],
      ["start", ["--onec"], "error: unknown option '--onec'\n(Did you mean --once?)\n"],
    ];
    const results = await Promise.all(mistakes.map(([command, args]) => run(directory, command, args)));
    expect(results).toEqual(mistakes.map(([, , output]) => ({ code: 1, output })));
  });

  it("refuses a path with a blank, which platform.env cannot carry", async () => {
    const blank = join(directory, "with blank");
    mkdirSync(blank);
    expect(await run(blank, "start", ["--once"])).toEqual({
      code: 1,
      output: `✖ the path ${blank} has a blank, which platform.env cannot carry; move the checkout, or name another directory in PLATFORM_POSTGRES_DIRECTORY\n`,
    });
    expect(readdirSync(blank)).toEqual([]);
  });
});

/** Where the server of a directory is: not below it, where the server's account could not get there. */
function serverOf(directory: string): string {
  const summary = JSON.parse(readFileSync(join(directory, "out/local/summary.json"), "utf8")) as {
    instances: { main: { directory: string } };
  };
  return summary.instances.main.directory;
}

const logOf = (directory: string): string => join(serverOf(directory), "postgres.log");

/** The command lines of all processes: from /proc, or from ps where there is none. */
function commandLines(): readonly string[] {
  if (!existsSync("/proc/self/cmdline")) return execFileSync("ps", ["-A", "-ww", "-o", "command="], { encoding: "utf8" }).split("\n");
  const processes = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return processes.map((entry) => readQuietly(`/proc/${entry}/cmdline`).replaceAll("\0", " "));
}

/** Servers that run on data of this directory. */
const processesOf = (directory: string): readonly string[] =>
  commandLines().filter((command) => command.includes(`postgres -D ${serverOf(directory)}`));

function readQuietly(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
