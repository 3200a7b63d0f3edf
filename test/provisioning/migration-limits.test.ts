import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chartDirectory } from "../../constructs/package/root";
import { provision } from "../../constructs/provisioning/provision";
import { migrations, sessionWith } from "../fixtures/migration";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { tenant, versionsOf } from "../fixtures/tenants";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await provision(scopeWith({ ml: tenant("ml") }), server.access);
  for (const limit of ["idle_session_timeout", "transaction_timeout", "statement_timeout", "idle_in_transaction_session_timeout"])
    await server.sql(`alter database ml set ${limit} = 100`);
});
afterAll(() => server?.stop());

const { program, options } = migrations();
/** What a migration's program asks for as soon as it is connected. */
const lifting = (text: string): string => /"(select [^"]*set_config\([^"]*)"/.exec(text)?.[1] ?? "";
const limits = ["statement_timeout", "transaction_timeout", "lock_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout"];
const skillflaw = lifting(readFileSync(join(chartDirectory("skillflaw"), "files", "migrate.py"), "utf8"));

it.each<[string, string, readonly [string, unknown[]?]]>([
  ["MLflow's migration", " ", [lifting(program)]],
  ["SkillFlaw's migration", " ", [skillflaw.replace("%s", "$1"), [limits]]],
  ["PGOPTIONS of SkillFlaw's Job", options, ["select 1"]],
])("%s keeps the lock of an idle session, whatever the server limits", async (_title, given, [first, values]) => {
  const session = await open(given);
  await session.query(first, values);
  await session.query("select pg_try_advisory_lock(1)");
  await pause(300);
  const { rows } = await session.query("select count(*)::int as held from pg_locks where locktype = 'advisory'");
  expect(rows).toEqual([{ held: 1 }]);
  if (given === " ") await session.query("begin; select pg_sleep(0.3); commit");
  await session.end();
});

it("loses a lock without them", async () => {
  const session = await open(" ");
  await session.query("select pg_try_advisory_lock(1)");
  await pause(300);
  await expect(session.query("select 1")).rejects.toThrow(/terminat|not queryable/i);
});

async function open(given: string) {
  const { current } = await versionsOf(server.access.store, "test--ml");
  return sessionWith(server, current, "ml", given);
}
