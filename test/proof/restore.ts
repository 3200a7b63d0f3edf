import "../../infra/docs/script";

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { MAJOR_VERSIONS, type MajorVersion } from "../../constructs/model/instance";
import { withClient } from "../../constructs/provisioning/connect";
import { diagnose } from "../../constructs/provisioning/doctor";
import { provision } from "../../constructs/provisioning/provision";
import { toPsqlVariables, withoutLibpq } from "../../infra/psql";
import { bothPlatforms, startServer, type TestServer } from "../fixtures/server";
import { versionsOf } from "../fixtures/tenants";
import { assignments } from "./started";
import { MissingTool, type Proof, type Result, report, run } from "./tools";

const PAGE = resolve(__dirname, "..", "..", "docs", "how-to", "back-up-and-restore.md");
const directory = mkdtempSync(join(tmpdir(), "platform-postgres-restore-"));
const servers: TestServer[] = [];

/** The commands of the page, by the program that each begins with. */
const commands = new Map(
  [...readFileSync(PAGE, "utf8").matchAll(/^(pg_dump|psql|pg_restore) --.*$/gm)].map(([line, program = ""]) => [program, line]),
);

/** The newest server that the tools work with. @throws MissingTool where one is missing, or older than every server. */
function findMajor(): MajorVersion {
  const found = ["pg_dump", "psql", "pg_restore"].map((program) => Number(/ (\d+)[.\d]*/.exec(run(program, ["--version"]).output)?.[1]));
  const major = [...MAJOR_VERSIONS].reverse().find((each) => found.every((its) => its >= each));
  if (major === undefined)
    throw new MissingTool(`the client tools are of version ${Math.min(...found)}; install ${MAJOR_VERSIONS[0]} or newer`);
  return major;
}

/** As a platform's login leaves a database: an extension in use, keys, a sequence, a view, a function, a comment, values of all sorts. */
const CONTENT = `
  create table flow (id uuid primary key default gen_random_uuid(), name text not null unique, data jsonb, at timestamptz default now());
  create table flow_run (id bigserial primary key, flow_id uuid references flow (id) on delete cascade, state text default 'x', seconds float8);
  create index on flow using gin (name gin_trgm_ops);
  create view runs as select f.name, r.state from flow f join flow_run r on r.flow_id = f.id;
  create function twice(int) returns int language sql immutable as 'select 2 * $1';
  comment on table flow is 'flows';
  create schema elsewhere; create table elsewhere.vectors (id int);
  insert into flow (name, data) select 'flow ' || i || E' \\u00e4 \\\\ \\t', jsonb_build_object('i', i) from generate_series(1, 2000) i;
  insert into flow_run (flow_id, seconds) select id, 'NaN' from flow;`;

const DIGEST = `select (select md5(string_agg(f::text, '|' order by id)) from flow f) as flows, (select md5(string_agg(r::text, '|' order by id)) from flow_run r) as runs,
    (select count(*)::int from pg_indexes where schemaname = 'public') as indexes, (select count(*)::int from pg_constraint where connamespace = 'public'::regnamespace) as keys,
    (select last_value::int from flow_run_id_seq) as sequence, twice(21) as twice, (select count(*)::int from runs) as seen,
    (select string_agg(distinct tableowner, ',') from pg_tables where schemaname = 'public') as owner`;

class Platform {
  constructor(
    readonly server: TestServer,
    readonly scope: ReturnType<typeof bothPlatforms>,
  ) {}

  async sql(statement: string): Promise<Record<string, unknown>[]> {
    const { current } = await versionsOf(this.server.access.store, "test--prefect");
    return withClient(this.server.access.server, current, "prefect", async (client) => {
      await client.query("set search_path = public");
      return (await client.query(statement)).rows;
    });
  }

  /** Runs a command of the page with the login's variables. */
  async run(command: string): Promise<Result> {
    const { access, ca } = this.server;
    const caFile = join(directory, `${access.server.port}.pem`);
    writeFileSync(caFile, ca.certificate);
    const { current } = await versionsOf(access.store, "test--prefect");
    const variables = { ...withoutLibpq(process.env), ...(await toPsqlVariables(access.server, current, "prefect", caFile)) };
    return run("env", ["-i", ...assignments(variables as Record<string, string>), "sh", "-ec", `cd '${directory}'; ${command}`]);
  }

  async problems(): Promise<string> {
    const checks = await diagnose("main", this.scope, this.server.access, this.server.stranger.certificate);
    return checks.flatMap(({ subject, problem }) => (problem === null ? [] : [`${subject}: ${problem}`])).join("\n");
  }
}

async function start(major: MajorVersion): Promise<Platform> {
  const server = await startServer(major);
  servers.push(server);
  const scope = bothPlatforms(major);
  await provision(scope, server.access);
  return new Platform(server, scope);
}

const proofOf = (what: string, { code, output }: Result, shown: string): Proof => ({
  what,
  problem: code === 0 ? null : output.slice(-500),
  shown,
});

async function prove(): Promise<readonly Proof[]> {
  const [dump = "", empty = "", restore = ""] = ["pg_dump", "psql", "pg_restore"].map((program) => commands.get(program));
  const major = findMajor();
  const [from, to] = [await start(major), await start(major)];
  await from.sql(CONTENT);
  const [wanted] = await from.sql(DIGEST);
  const proofs = [proofOf(`a platform's login dumps its database (PostgreSQL ${major})`, await from.run(dump), dump)];

  const check = async (platform: Platform, what: string) => {
    const [found] = await platform.sql(DIGEST);
    const problems = await platform.problems();
    const same = JSON.stringify(found) === JSON.stringify(wanted);
    proofs.push({ what, problem: same && problems === "" ? null : `${JSON.stringify(found)}\n${problems}`, shown: JSON.stringify(found) });
  };
  // Each in a transaction that fails, so that the database is empty afterwards.
  for (const flag of ["--no-owner --no-privileges --no-comments", "--no-comments"]) {
    const plain = (command: string) =>
      command.replace(` ${flag}`, "").replace(" --schema=public", "").replace("prefect.dump", "plain.dump");
    await from.run(plain(dump));
    const { code, output } = await to.run(plain(restore));
    const shown = output.split("\n").find((line) => line.includes("error:")) ?? "";
    proofs.push({ what: `without ${flag} it fails`, problem: code === 0 ? "it was restored" : null, shown });
  }
  proofs.push(proofOf("it is restored to another server", await to.run(restore), restore));
  await check(to, "where rows, keys, sequence, owner and doctor are as before");

  await from.sql("delete from flow; create table later (id int)");
  proofs.push(proofOf("the database is emptied", await from.run(empty), empty));
  await provision(from.scope, from.server.access);
  proofs.push(proofOf("and restored where it was", await from.run(restore), restore));
  await check(from, "where all is as at the dump, and doctor is content");
  return proofs;
}

void report(prove, async () => {
  for (const server of servers) await server.stop();
  rmSync(directory, { recursive: true, force: true });
});
