import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chartDirectory } from "../../constructs/package/root";
import { LIMITS } from "../../constructs/platforms/limits";
import { provision } from "../../constructs/provisioning/provision";
import { migrations, sessionWith } from "../fixtures/migration";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { tenant, versionsOf } from "../fixtures/tenants";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await provision(scopeWith({ ml: tenant("ml") }), server.access);
  for (const limit of LIMITS) await server.sql(`alter database ml set ${limit} = '1h'`);
});
afterAll(() => server?.stop());

const { program, options, url } = migrations();
/** What a migration's program asks for as soon as it is connected. */
const lifting = (text: string): string => /"(select [^"]*set_config\([^"]*)"/.exec(text)?.[1] ?? "";
const mlflow = lifting(program);
const script = readFileSync(join(chartDirectory("skillflaw"), "files", "migrate.py"), "utf8");

/** What every version of PostgreSQL takes as a session starts. */
const AT_START = LIMITS.filter((name) => name !== "transaction_timeout");
/** As asyncpg sends what stands in the URL that it is given as `dsn`. */
const inUrl = [...new URL(new URL(url).searchParams.get("dsn") ?? "").searchParams].map(([name, value]) => `-c ${name}=${value}`).join(" ");

it.each<[string, string, readonly [string, unknown[]?], readonly string[]]>([
  ["MLflow's migration", " ", [mlflow], LIMITS],
  ["SkillFlaw's migration", " ", [lifting(script).replace("%s", "$1"), [LIMITS]], LIMITS],
  ["PGOPTIONS of SkillFlaw's Job", options, ["select 1"], AT_START],
  ["the URL of Prefect's Job", inUrl, ["select 1"], AT_START],
])("%s lifts what the server limits", async (_title, given, [first, values], lifted) => {
  const session = await open(given);
  await session.query(first, values);
  const { rows } = await session.query("select name from pg_settings where name = any ($1) and setting = '0'", [LIMITS]);
  expect(rows.map(({ name }) => name).sort()).toEqual([...lifted].sort());
  await session.end();
});

it("names the same limits in SkillFlaw's chart", () => {
  expect(script).toContain(`LIMITS = [${LIMITS.map((name) => `"${name}"`).join(", ")}]`);
});

it("keeps the lock of an idle session longer than one that lifts nothing lives", async () => {
  const limited = "set idle_session_timeout = 50";
  const [lifted, other] = await Promise.all([open(" "), open(" ")]);
  await lifted.query(`${limited}; ${mlflow}; select pg_try_advisory_lock(1)`);
  const ended = new Promise((resolve) => other.once("end", resolve));
  await other.query(`${limited}; select pg_try_advisory_lock(2)`);
  await ended;
  const { rows } = await lifted.query("select objid from pg_locks where locktype = 'advisory'");
  expect(rows).toEqual([{ objid: 1 }]);
  await lifted.end();
});

async function open(given: string) {
  const { current } = await versionsOf(server.access.store, "test--ml");
  return sessionWith(server, current, "ml", given);
}
