import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverAccount } from "../../constructs/local/account";
import { startDocument } from "../../infra/documents/documents";
import {
  endOf,
  logOf,
  passwordsIn,
  processesOf,
  type Result,
  remove,
  run,
  runApart,
  serverOf,
  start,
  startAndStay,
  startByNpm,
  temporary,
  until,
  untilStays,
  withoutWarnings,
} from "../fixtures/cli";
import { readDocument } from "../fixtures/documents";
import development from "../fixtures/environments/development";

/** The smaller one: what a server goes through does not depend on how many platforms it has. */
const ENVIRONMENT = ["--environment", "development"];
const PLATFORMS = Object.keys(development.platforms);

/** What a first start has printed when it gets Ctrl-C: nothing, while it makes the data directory; and while it provisions. */
const INTERRUPTED = ["", "runs on localhost"] as const;

/** Ctrl-C as soon as `npm start` has printed something; or where it has not, when the directory has servers. */
async function interrupt(directory: string, printed: string): Promise<Result> {
  const running = start(directory, "start", [...ENVIRONMENT, "--once"]);
  await until(
    () => running.output().includes(printed) && existsSync(join(directory, ".local", "development")),
    () => `it did not get that far; it printed:\n${running.output()}`,
    0,
  );
  running.child.kill("SIGINT");
  return withoutWarnings(endOf(running));
}

describe("the life of a local server", () => {
  let directory: string;
  const interrupted: Result[] = [];
  beforeAll(async () => {
    directory = temporary();
    for (const moment of INTERRUPTED) interrupted.push(await interrupt(directory, moment));
    expect((await run(directory, "start", [...ENVIRONMENT, "--once", ...ENVIRONMENT])).code).toBe(0);
  });
  afterAll(() => remove(directory, "development"));
  const passwords = () => passwordsIn(directory, "development", PLATFORMS);
  const servers = () => processesOf(directory, "development");
  const stopped = () =>
    until(
      () => servers().length === 0,
      () => `nobody stopped ${servers().join(", ")}`,
    );

  it("says at Ctrl-C that it was stopped, and what the next run does", () => {
    const stopped = "✖ stopped; completed steps are kept, and the next run does the rest\n";
    const started = expect.stringMatching(/^✔ PostgreSQL 17\.\d+ runs on localhost:\d+ .*\n✖ stopped; .* the rest\n$/);
    expect(interrupted).toEqual([
      { code: 130, output: stopped },
      { code: 130, output: started },
    ]);
  });

  it("recovers from SIGKILL at any moment, and loses no password", async () => {
    const before = passwords();
    for (const moment of [150, 500, 900]) {
      const running = start(directory, "start", ENVIRONMENT);
      await pause(moment);
      running.child.kill("SIGKILL");
      await endOf(running);
      // By itself: nobody was left to stop it.
      await stopped();
    }
    const { code, output } = await run(directory, "start", [...ENVIRONMENT, "--once"]);
    expect(output).toMatch(/✔ \d+ checks passed/);
    expect(code).toBe(0);
    expect(passwords()).toEqual(before);
    expect(processesOf(directory, "development")).toEqual([]);
  });

  it("leaves no server behind when it gets SIGKILL as soon as there is one", async () => {
    for (const moment of [0, 0, 0, 5, 10]) {
      const running = start(directory, "start", ENVIRONMENT);
      await until(
        () => servers().length > 0,
        () => `no server was started; the command printed:\n${running.output()}`,
        0,
      );
      await pause(moment);
      running.child.kill("SIGKILL");
      await endOf(running);
      await stopped();
    }
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("ends cleanly when npm gets %s, which its shell and Node do not", async (signal) => {
    const running = startByNpm(directory, ENVIRONMENT);
    await untilStays(running);
    expect(processesOf(directory, "development")).toHaveLength(1);
    running.child.kill(signal);
    // Its pipes are closed when Node has ended, too.
    const { output } = await endOf(running);
    expect(output).toMatch(/stopping\n$/);
    expect(processesOf(directory, "development")).toEqual([]);
    expect(readFileSync(logOf(directory, "development"), "utf8").trim()).toMatch(/database system is shut down$/);
  });

  it.each([
    ["doctor", []],
    ["provision", ["--dry-run"]],
  ])("is not begun by %s %j, which says that there is nothing to look at", async (command, args) => {
    const fresh = temporary();
    expect(await runApart(fresh, command, [...ENVIRONMENT, ...args, "--format", "json"])).toEqual({
      code: 1,
      stdout: "",
      stderr: `✖ environment development was never started on this machine; run PLATFORM_POSTGRES_DIRECTORY=${fresh} npm start -- --environment development\n`,
    });
    expect(readdirSync(fresh)).toEqual([]);
    rmSync(fresh, { recursive: true });
  });

  it("forgets a pid that has become another program's", async () => {
    const data = join(logOf(directory, "development"), "..", "data");
    // PostgreSQL itself takes a process of its own account for a running server.
    const other = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { ...serverAccount(), cwd: "/", stdio: "ignore" });
    writeFileSync(join(data, "postmaster.pid"), `${other.pid}\n${data}\n0\n54320\n\nlocalhost\n\nready   \n`);
    const { code, output } = await run(directory, "start", [...ENVIRONMENT, "--once"]);
    expect(other.exitCode).toBeNull();
    other.kill();
    expect(output).toMatch(/runs on localhost:\d+/);
    expect(code).toBe(0);
  });

  it("lets several commands share one server, and stops it after the last", async () => {
    const results = await Promise.all([
      run(directory, "start", [...ENVIRONMENT, "--once"]),
      run(directory, "start", [...ENVIRONMENT, "--once"]),
      run(directory, "doctor", ENVIRONMENT),
      run(directory, "rotate", [...ENVIRONMENT, "--platform", "mlflow"]),
    ]);
    expect(results.map(({ code, output }) => (code === 0 ? "" : output))).toEqual(["", "", "", ""]);
    expect(processesOf(directory, "development")).toEqual([]);
    const [current] = [
      ...readFileSync(join(directory, ".local/development/secrets/development--mlflow.json"), "utf8").matchAll(/"password": "([^"]+)"/g),
    ];
    expect(readFileSync(join(directory, "out/development/mlflow/platform.env"), "utf8")).toContain(`PGPASSWORD=${current?.[1]}\n`);
  });

  it("runs on when a command that uses it gets Ctrl-C", async () => {
    const running = await startAndStay(directory, ENVIRONMENT);
    const guest = start(directory, "sql", [...ENVIRONMENT, "mlflow"], "select 1;\nselect pg_sleep(3600);\n");
    await until(
      () => guest.output().includes("(1 row)"),
      () => guest.output(),
    );
    guest.child.kill("SIGINT");
    const ended = await endOf(guest);
    expect([ended.code, ended.output.split("\n").at(-2)]).toEqual([130, "✖ stopped"]);
    expect((await run(directory, "doctor", ENVIRONMENT)).code).toBe(0);
    running.child.kill("SIGINT");
    const { code, output } = await endOf(running);
    expect([code, output.split("\n").at(-2)]).toEqual([0, "stopping"]);
  });

  it("prints its document when all is ready, and ends with a sentence when another program stops its server", async () => {
    const running = await startAndStay(directory, [...ENVIRONMENT, "--format", "json"]);
    const { passed, instances } = readDocument(startDocument, running.stdout());
    expect([passed, instances[0]?.directory]).toEqual([true, serverOf(directory, "development")]);
    const pid = Number(readFileSync(join(serverOf(directory, "development"), "data", "postmaster.pid"), "utf8").split("\n")[0]);
    process.kill(pid, "SIGINT");
    const { code, output } = await endOf(running);
    expect(output).toMatch(/✖ the server on localhost:\d+ has ended; see .*postgres\.log, and run this again\n$/);
    expect(code).toBe(1);
  });

  it("says in a sentence that the data is of another major version", async () => {
    const file = join(logOf(directory, "development"), "..", "data", "PG_VERSION");
    writeFileSync(file, "16\n");
    const { code, output } = await run(directory, "start", [...ENVIRONMENT, "--once"]);
    writeFileSync(file, "17\n");
    expect(output).toMatch(
      /^✖ .*data contains data of PostgreSQL 16, but the spec requires 17; set majorVersion to 16, or delete the data with PLATFORM_POSTGRES_DIRECTORY=\S+ npm start -- --environment development --reset\n$/,
    );
    expect(code).toBe(1);
  });

  it("deletes only after a confirmation", async () => {
    const before = passwords();
    expect(await run(directory, "start", [...ENVIRONMENT, "--once", "--reset"])).toEqual({
      code: 1,
      output: "✖ --reset asks before it deletes, which needs a terminal; add --yes to delete without asking\n",
    });
    expect(passwords()).toEqual(before);
    expect((await run(directory, "start", [...ENVIRONMENT, "--once", "--reset", "--yes"])).code).toBe(0);
    expect(passwords().filter((password) => before.includes(password))).toEqual([]);
  });

  it("deletes all or nothing, when Ctrl-C comes while it deletes", async () => {
    const data = join(serverOf(directory, "development"), "data");
    const running = start(directory, "start", [...ENVIRONMENT, "--once", "--reset", "--yes"]);
    await until(
      () => !existsSync(join(data, "postgresql.conf")) || !existsSync(join(data, "global", "pg_control")),
      () => running.output(),
      0,
    );
    running.child.kill("SIGINT");
    expect((await endOf(running)).code).toBe(130);
    const { code, output } = await run(directory, "start", [...ENVIRONMENT, "--once"]);
    expect([code, output]).toEqual([0, expect.stringMatching(/✔ \d+ checks passed/)]);
  });

  it("reports a mistake in one line", async () => {
    const mistakes: readonly (readonly [string, readonly string[], string])[] = [
      ["start", ["--environment", "locl"], '✖ there is no environment locl in infra/environments; did you mean "local"?\n'],
      ["rotate", ["--platform", "prefct"], '✖ environment local has no platform prefct; did you mean "prefect"?\n'],
      ["rotate", [], "error: required option '-p, --platform <name>' not specified\n"],
      ["provision", ["--dry-run", "--close", "mlflow"], "error: option '--dry-run' cannot be used with option '--close <platform>'\n"],
      ["doctor", ["--format", "xml"], "error: option '--format <format>' argument 'xml' is invalid. Allowed choices are text, json.\n"],
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
      output: `✖ the path ${blank} contains a space, which platform.env does not support; set PLATFORM_POSTGRES_DIRECTORY to another directory, or move the project\n`,
    });
    expect(readdirSync(blank)).toEqual([]);
  });
});
