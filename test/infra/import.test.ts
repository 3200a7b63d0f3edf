import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Client, Server } from "../../constructs/provisioning/connect";
import { close, open, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { importDocument } from "../../infra/documents/import-document";
import { endOf, remove, run, runApart, start, startAndStay, temporary } from "../fixtures/cli";
import { readDocument } from "../fixtures/documents";
import { writeSqlite } from "../fixtures/sqlite";

const REVISION = "6f8d9c3b2a1e";
/** As much of MLflow's tables as there is to see. `held` waits, while a test holds its lock. */
const SCHEMA = `
  create function held(lock int, result anyelement) returns anyelement language plpgsql as $$ begin perform pg_advisory_lock_shared(lock); return result; end $$;
  create table alembic_version (version_num text); insert into alembic_version values ('${REVISION}');
  create table workspaces (name text primary key); insert into workspaces values ('default');
  create table experiments (experiment_id serial primary key, name text, artifact_location text, check (held(1, name) = name));
  create table runs (run_uuid text primary key, artifact_uri text, experiment_id integer references experiments);
  create materialized view last as select held(2, max(name)) from experiments;`;
const FILE = `
  create table alembic_version (version_num text); insert into alembic_version values ('${REVISION}');
  create table workspaces (name text); insert into workspaces values ('default');
  create table experiments (experiment_id integer primary key, name text, artifact_location text);
  create table runs (run_uuid text primary key, artifact_uri text, experiment_id integer);
  insert into experiments values (0, 'Default', 'mlflow-artifacts:/0'), (733412345678901234, 'canary-name', '/srv/mlruns/7');
  insert into runs values ('a', 's3://bucket/a', 733412345678901234);`;

describe("npm run import", () => {
  const directory = temporary();
  const file = join(directory, "mlflow.db");
  let running: Awaited<ReturnType<typeof startAndStay>> | undefined;
  let server: Server;
  let credential: Credential;
  let holder: Client;

  beforeAll(async () => {
    running = await startAndStay(directory);
    const read = (name: string) => readFileSync(join(directory, name), "utf8");
    const { port } = JSON.parse(read("out/local/summary.json")).instances.main;
    server = { host: "localhost", port, tls: { mode: "verify-full", ca: read("out/local/ca.pem") } };
    ({ current: credential } = JSON.parse(read(".local/local/secrets/local--mlflow.json")));
    await sql(`set search_path = public; ${SCHEMA}`);
    writeSqlite(file, FILE);
    holder = await open(server, JSON.parse(read(".local/local/secrets/master.json")), "mlflow").catch(() =>
      open(server, credential, "prefect"),
    );
  });
  afterAll(async () => {
    if (holder !== undefined) await close(holder);
    running?.child.kill("SIGINT");
    await running?.result;
    remove(directory, "local");
  });
  afterEach(() => vi.unstubAllEnvs());

  const sql = (statement: string) => withClient(server, credential, "mlflow", async (client) => (await client.query(statement)).rows);
  const hash = () =>
    sql(`select (select string_agg(t::text, ',' order by t) from public.experiments t) as experiments, (select string_agg(t::text, ',' order by t) from public.runs t) as runs,
         (select string_agg(t::text, ',') from public.workspaces t) as workspaces, (select count(*)::int from pg_constraint where contype = 'f') as keys`);

  it("says why it imports nothing", async () => {
    const before = await hash();
    const refused = await run(directory, "import", ["-p", "mlflow", "--from", file, "--yes"]);
    expect(refused).toEqual({
      code: 1,
      output: expect.stringMatching(
        /^✖ nothing was imported:\n {2}- experiments\.experiment_id: must fit integer, got 1 row such as 733412345678901234; add --renumber: MLflow's file store .*\n {2}- runs\.experiment_id: must fit integer/m,
      ),
    });
    expect((await run(directory, "import", ["-p", "mlflow", "--from", file, "--renumber"])).output).toContain(
      "✖ import asks before it changes anything, and nobody can answer here; add --yes\n",
    );
    expect(refused.output).not.toContain("canary");
    expect(await hash()).toEqual(before);
  });

  /** An import that waits for a lock, while it copies (1) or before it commits (2); `end` ends it in some way. */
  async function interrupted(lock: number, end: (importing: ReturnType<typeof start>) => Promise<unknown>) {
    await holder.query("select pg_advisory_lock($1)", [lock]);
    const importing = start(directory, "import", ["-p", "mlflow", "--from", file, "--renumber", "--yes"]);
    const waiting = "select pid from pg_locks where locktype = 'advisory' and not granted";
    for (let isHeld = false; !isHeld; isHeld = (await holder.query(waiting)).rowCount === 1)
      if (importing.child.exitCode !== null) throw new Error(importing.output());
    const ended = async () => {
      await end(importing);
      return endOf(importing);
    };
    return ended().finally(() => holder.query("select pg_advisory_unlock($1)", [lock]));
  }

  it.each([
    ["while it copies", 1],
    ["before it commits", 2],
  ])("leaves everything as it was when it is killed %s", async (_when, lock) => {
    const before = await hash();
    await interrupted(lock, async ({ child }) => child.kill("SIGKILL"));
    expect(await hash()).toEqual(before);
  });

  it("says in a sentence that its session has ended, and has changed nothing", async () => {
    const before = await hash();
    const { code, output } = await interrupted(1, () =>
      // As the login itself: the owner, as whom its sessions begin, may not.
      sql("set role none; select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted"),
    );
    expect(output).toMatch(
      /✖ localhost:\d+, database mlflow, as mlflow_owner: terminating connection due to administrator command \(57P01\)\n$/,
    );
    expect(code).toBe(1);
    expect(await hash()).toEqual(before);
  });

  it("imports, as a document, and says what it did and what to do next", async () => {
    const rehearsed = await run(directory, "import", ["-p", "mlflow", "--from", file, "--renumber", "--dry-run"]);
    expect(rehearsed.output).toContain("experiments.experiment_id 733412345678901234 is now 1\n");
    expect(rehearsed.output).toContain("No pod reaches the files of a path");
    expect(rehearsed.output).toMatch(/\nRun the same without --dry-run to keep them\.\n$/);
    const { code, stdout, stderr } = await runApart(directory, "import", [
      "-p",
      "mlflow",
      "--from",
      file,
      "--renumber",
      "--yes",
      "--format",
      "json",
    ]);
    expect(stderr).toMatch(
      /From {2}mlflow\.db \(1 MB, revision 6f8d9c3b2a1e\)\nTo {4}database mlflow on localhost:\d+\nIn {4}4 rows of 3 tables\nOut {3}1 row: workspaces 1\n/,
    );
    expect(code).toBe(0);
    expect(readDocument(importDocument, stdout)).toMatchObject({
      platform: "mlflow",
      kept: true,
      databases: [
        {
          database: "mlflow",
          source: "mlflow.db",
          sourceRevision: REVISION,
          targetRevision: REVISION,
          tables: [
            { table: "experiments", rows: 2, deleted: 0 },
            { table: "runs", rows: 1, deleted: 0 },
            { table: "workspaces", rows: 1, deleted: 1 },
          ],
          renumbered: [{ before: "733412345678901234", after: "1" }],
          locations: [
            { column: "experiments.artifact_location", scheme: "mlflow-artifacts", rows: 1, podsCanReach: true },
            { column: "experiments.artifact_location", scheme: "path", rows: 1, podsCanReach: false },
            { column: "runs.artifact_uri", scheme: "s3", rows: 1, podsCanReach: true },
          ],
        },
      ],
    });
    expect(await sql("insert into public.experiments (name) values ('next') returning experiment_id")).toEqual([{ experiment_id: 2 }]);
  });

  it("imports all databases of a platform, or none", async () => {
    const read = (name: string) => JSON.parse(readFileSync(join(directory, `.local/local/secrets/${name}.json`), "utf8"));
    const old = { username: "old_owner", password: "old" };
    await holder.query("create role old_owner login createdb password 'old'");
    const keys = { pipelines: "mlpipeline", cache: "cachedb", metadata: "mlmdpostgres" };
    const from = Object.keys(keys).map(
      (key) => `${key}=postgresql://old_owner@localhost:${server.port}/old_${key}?sslrootcert=${join(directory, "out/local/ca.pem")}`,
    );
    for (const [key, name] of Object.entries(keys)) {
      const tables = `set search_path = public; ${key === "metadata" ? "create table mlmdenv (schema_version int); insert into mlmdenv values (10); " : ""}create table parent (id int primary key); create table child (id int`;
      await withClient(server, old, "postgres", (client) => client.query(`create database old_${key}`));
      await withClient(server, old, `old_${key}`, (client) =>
        client.query(`${tables}); insert into parent values (1); insert into child values (${key === "metadata" ? 2 : 1})`),
      );
      await withClient(server, read("local--kubeflow-pipelines").current, name, (client) => client.query(`${tables} references parent)`));
    }
    vi.stubEnv("IMPORT_PASSWORD", old.password);
    const refused = await run(directory, "import", ["-p", "kubeflow-pipelines", "--from", ...from, "--yes"]);
    expect(refused.output).toContain("✖ child.id: must be in parent, got 1 row such as 2; with --without-orphans they are left out\n");
    const counts = () =>
      Promise.all(
        Object.values(keys).map((name) =>
          withClient(
            server,
            read("local--kubeflow-pipelines").current,
            name,
            async (client) => (await client.query("select count(*)::int as rows from public.child")).rows[0]?.rows,
          ),
        ),
      );
    expect(await counts()).toEqual([0, 0, 0]);
    const { output } = await run(directory, "import", ["-p", "kubeflow-pipelines", "--from", ...from, "--yes", "--without-orphans"]);
    expect(output).toContain("child: 1 row left out, because id is not in parent\n");
    expect(await counts()).toEqual([1, 1, 0]);
  });

  it("takes the source's password from the shell, and shows it nowhere", async () => {
    const ca = join(directory, "out/local/ca.pem");
    const from = `postgresql://prefect_a@localhost:${server.port}/prefect?sslrootcert=${ca}`;
    const missing = await run(directory, "import", ["-p", "mlflow", "--from", from, "--yes"]);
    expect(missing.output).toContain(
      "✖ the password of the source is missing, and nobody can be asked here; put it into IMPORT_PASSWORD\n",
    );
    vi.stubEnv("IMPORT_PASSWORD", "canary-wrong");
    const wrong = await run(directory, "import", ["-p", "mlflow", "--from", from, "--yes"]);
    expect(wrong.output).toContain("rejects the password of prefect_a; put the correct one into IMPORT_PASSWORD\n");
    const { current } = JSON.parse(readFileSync(join(directory, ".local/local/secrets/local--prefect.json"), "utf8"));
    vi.stubEnv("IMPORT_PASSWORD", current.password);
    const other = await run(directory, "import", ["-p", "mlflow", "--from", from, "--yes"]);
    expect(other.output).toContain("database prefect on localhost");
    expect(other.output).toContain("has no table alembic_version, which the platform always has; correct --from");
    expect([missing, wrong, other].map(({ code }) => code)).toEqual([1, 1, 1]);
    for (const { output } of [wrong, other]) expect(output).not.toMatch(new RegExp(`canary|${current.password}`));
  });
});
