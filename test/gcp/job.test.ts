import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toRenewArguments } from "../../constructs/gcp/task";
import { open, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import type { NamedSpec } from "../../infra/spec";
import { CLUSTER, SECTION } from "../fixtures/gcp";
import { mountedFiles, one, registrationsOf } from "../fixtures/registrations";
import { SecretManagerDouble } from "../fixtures/secret-manager";
import { startServer, type TestServer } from "../fixtures/server";

const MASTER = "projects/my-project/secrets/postgres-master";
const PREFECT = "projects/my-project/secrets/job--prefect";
const MLFLOW = "projects/my-project/secrets/job--mlflow";

/** Who a pod's container runs as; only root can become somebody else. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65532, gid: 65532 } : {};

interface Result {
  readonly code: number | null;
  readonly output: string;
}

describe("the program of the Job", () => {
  let server: TestServer;
  let secrets: SecretManagerDouble;
  let directory: string;
  let runs = 0;

  beforeAll(async () => {
    server = await startServer();
    secrets = await new SecretManagerDouble().start();
    directory = mkdtempSync(join(process.env.TEST_SERVERS ?? "/tmp", "job-"));
    chmodSync(directory, 0o755);
    secrets.make(MASTER, server.access.master);
    secrets.make(PREFECT);
  });
  afterAll(async () => {
    secrets.stop();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const spec = (platforms: NamedSpec["platforms"]): NamedSpec => ({
    name: "job",
    acknowledge: { "gcp-existing-is-not-this-machine": "it stands for a server in the network" },
    gcp: { ...SECTION, cluster: { ...CLUSTER, installReleases: false }, rotationDays: 30 },
    instances: {
      main: {
        existing: {
          host: "localhost",
          port: server.server.port,
          ca: server.ca.certificate,
          masterSecret: "postgres-master",
          maxConnections: 200,
        },
      },
    },
    platforms,
  });

  /** As the cluster does: what the ConfigMap holds as files, the image's Node, no variables but the doubles', and nobody's rights. */
  async function start(command: "provision" | "rotate", platforms: NamedSpec["platforms"] = { prefect: {} }, args?: readonly string[]) {
    const registrations = await registrationsOf(spec(platforms));
    const job = one(registrations, command === "provision" ? "Job" : "CronJob");
    const mounted = join(directory, String(runs++));
    mkdirSync(mounted, { mode: 0o755 });
    for (const [file, content] of Object.entries(mountedFiles(registrations))) writeFileSync(join(mounted, file), content, { mode: 0o644 });
    const [, path = "", argument = ""] = /"args":\["([^"]+)","([^"]+)"\]/.exec(JSON.stringify(job.inputs)) ?? [];
    const child = spawn(process.execPath, [path.replace("/program", mounted), ...(args ?? [argument])], {
      ...NOBODY,
      cwd: "/",
      env: secrets.variables,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    const result = new Promise<Result>((resolve) => child.once("close", (code) => resolve({ code, output })));
    return { child, result, output: () => output };
  }
  const run = async (...args: Parameters<typeof start>): Promise<Result> => (await start(...args)).result;
  const passwords = () => [MASTER, PREFECT].flatMap((name) => secrets.contents(name).map(({ password }) => password));
  const roles = () => server.sql("select rolname from pg_roles where rolname ~ '^(prefect|mlflow)' order by rolname");

  it("is killed on its way, and the next try carries on: nothing is lost, nothing is made twice", async () => {
    const first = await start("provision");
    while ((await roles()).length === 0 && first.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    first.child.kill("SIGKILL");
    await first.result;
    const { code, output } = await run("provision");
    expect(output).toMatch(/(^|\n)(done|nothing to do)\n$/);
    expect(code).toBe(0);
    expect((await roles()).map(({ rolname }) => rolname)).toEqual(["prefect_a", "prefect_b", "prefect_owner"]);
    expect(secrets.contents(PREFECT).map(({ username }) => username)).toEqual(["prefect_a", "prefect_b"]);
  });

  it("changes nothing when nothing has to change, and waits for rights that were just granted", async () => {
    secrets.refusals = 2;
    const { code, output } = await run("provision");
    expect([code, output.split("\n").at(-2)]).toEqual([0, "nothing to do"]);
    expect(output).toContain("waiting: Secret Manager denies access to secret");
  });

  it("reports its last sentence, without a stack trace, if it cannot continue", async () => {
    await server.sql("create role mlflow_owner; comment on role mlflow_owner is 'platform-postgres: environment another'");
    secrets.make(MLFLOW);
    const { code, output } = await run("provision", { prefect: {}, mlflow: {} });
    await server.sql("drop role mlflow_owner");
    expect(code).toBe(1);
    expect(output).toMatch(/^role mlflow_owner belongs to environment another; use a separate instance for this environment\n$/);
    expect(output).not.toMatch(/^ +at /m);
  });

  it("rotates what is due, and nothing before", async () => {
    const before = secrets.contents(PREFECT);
    expect(await run("rotate")).toEqual({ code: 0, output: "" });
    expect(secrets.contents(PREFECT)).toEqual(before);
    secrets.age(31);
    const { code, output } = await run("rotate");
    expect([code, output]).toEqual([0, "prefect logs in as prefect_b from now on\n"]);
    const [current, previous] = secrets.contents(PREFECT);
    expect([current?.username, previous]).toEqual(["prefect_b", before[0]]);
    expect(current?.password).not.toBe(before[1]?.password);
    // The master that somebody else has stays as it is.
    expect(secrets.contents(MASTER)).toEqual([server.access.master]);
    expect(await run("rotate")).toEqual({ code: 0, output: "" });
  });

  it("skips a platform for a day whose pods use the login to be renewed, and rotates the others; then it rotates that one, too", async () => {
    const both = { prefect: {}, mlflow: {} };
    secrets.make(MLFLOW);
    expect((await run("provision", both)).code).toBe(0);
    const [, previous] = secrets.contents(PREFECT);
    if (previous === undefined) throw new Error("no previous version");
    const session = await open(server.access.server, previous, "prefect");
    const inUse = `login ${previous.username} would get the new password, but still has 1 sessions of pods that have not read the secret since the last rotation`;
    secrets.age(30);
    const first = await run("rotate", both);
    expect(first.output.replace(/\d{4}-\d\d-\d\dT\d\d:\d\dZ/, "TOMORROW")).toBe(
      `mlflow logs in as mlflow_b from now on\n${inUse}; restart them; from TOMORROW on, it is rotated anyway\n`,
    );
    expect([first.code, secrets.contents(PREFECT)[1]]).toEqual([1, previous]);
    secrets.age(1);
    expect(await run("rotate", both)).toEqual({
      code: 0,
      output: `prefect logs in as ${previous.username} from now on\n${inUse}; it is rotated anyway, one day after it was due; restart them before they reconnect\n`,
    });
    await session.query("select");
    await session.end();
  });

  const renew = (platform: string, revoke: boolean) => run("rotate", { prefect: {} }, toRenewArguments(platform, { revoke, force: false }));

  it("renews what a person asks for, whether it is due or not, and ends with 1 where the new login does not work", async () => {
    const [current, other] = secrets.contents(PREFECT).map(({ username }) => username);
    expect(await renew("prefect", false)).toEqual({
      code: 0,
      output: `prefect has a new password, on login ${other}\n${current} works until the next rotation\n`,
    });
    await server.sql(`alter role ${current} in database prefect reset role`);
    const { code, output } = await renew("prefect", true);
    await server.sql(`alter role ${current} in database prefect set role prefect_owner`);
    expect(code).toBe(1);
    expect(output.split("\n")).toEqual([
      `prefect has a new password, on login ${current}`,
      `${other} can no longer log in; 0 of its sessions ended`,
      `The leak is closed. The new login does not work yet: the new login acts as ${current}, not as prefect_owner; first provision environment job`,
      "",
    ]);
    expect(secrets.contents(PREFECT).map(({ username }) => username)).toEqual([current]);
    expect(await renew("perfect", false)).toEqual({
      code: 1,
      output: 'this instance has no platform perfect; did you mean "prefect"?\n',
    });
  });

  it("shows no password, in no message and on no command line", async () => {
    const renewed = await renew("prefect", false);
    const { output } = await run("provision");
    for (const password of passwords()) expect(renewed.output + output).not.toContain(password);
    expect(passwords().length).toBe(3);
  });

  /** Kills a command that waits for the answer to an addition, while the other command waits for it. */
  async function killed(command: "provision" | "rotate", secret: string, isStored: boolean, platforms: NamedSpec["platforms"]) {
    const reached = new Promise<void>((resolve) => {
      secrets.onAddition = { secret, isMade: isStored, call: resolve };
    });
    const first = await start(command, platforms);
    await reached;
    const other = await start(command === "rotate" ? "provision" : "rotate", platforms);
    // Lists show what was added only after a while.
    secrets.staleLists = isStored ? 3 : 0;
    first.child.kill("SIGKILL");
    const result = await other.result;
    secrets.staleLists = 0;
    return result;
  }
  const worksAs = (credential: Credential) => withClient(server.access.server, credential, "postgres", async () => credential.username);

  it.each([true, false])(
    "is killed in rotate (its version stored: %s) while provision waits for it: both versions log in",
    async (isStored) => {
      const [before] = secrets.contents(PREFECT);
      secrets.age(31);
      expect((await killed("rotate", PREFECT, isStored, { prefect: {} })).code).toBe(0);
      const works = await Promise.all(secrets.contents(PREFECT).slice(0, 2).map(worksAs));
      expect([works.indexOf(before?.username ?? ""), new Set(works).size]).toEqual([isStored ? 1 : 0, 2]);
    },
  );

  it("is killed between the first two versions of a platform while rotate waits for it, which leaves that alone", async () => {
    const secret = "projects/my-project/secrets/job--late";
    secrets.make(secret);
    const platforms: NamedSpec["platforms"] = { late: { platform: "mlflow" } };
    expect(await killed("provision", secret, true, platforms)).toEqual({ code: 0, output: "" });
    expect((await run("provision", platforms)).code).toBe(0);
    expect(await Promise.all(secrets.contents(secret).map(worksAs))).toEqual(["late_a", "late_b"]);
  });
});
