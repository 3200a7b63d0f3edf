import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAJOR_VERSIONS } from "../../constructs/model/instance";
import type { Tenant } from "../../constructs/model/spec";
import { close, open, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { dryRun } from "../../constructs/provisioning/dry-run";
import { openPostgres } from "../../constructs/provisioning/import/postgres";
import { openSqlite } from "../../constructs/provisioning/import/sqlite";
import { observe } from "../../constructs/provisioning/observe";
import { plan } from "../../constructs/provisioning/plan";
import { provision } from "../../constructs/provisioning/provision";
import { migrations, sessionWith } from "../fixtures/migration";
import { expectCopied } from "../fixtures/moved";
import { FILE, Mover } from "../fixtures/mover";
import { bothPlatforms, query, scopeWith, startServer, type TestServer, USUAL } from "../fixtures/server";
import { writeSqlite } from "../fixtures/sqlite";
import { tenant, versionsOf } from "../fixtures/tenants";

/** Every other test runs on the usual one. */
const OTHERS = MAJOR_VERSIONS.filter((majorVersion) => majorVersion !== USUAL);

describe.each(OTHERS)("provision on PostgreSQL %i", (majorVersion) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(majorVersion);
  });
  afterAll(() => server?.stop());

  it("runs as a master that is no superuser", async () => {
    expect(
      await server.sql(
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles where rolname = current_user",
      ),
    ).toEqual([{ rolsuper: false, rolcreaterole: true, rolcreatedb: true, rolreplication: false, rolbypassrls: false }]);
  });

  it("makes what the platforms need, and changes nothing the second time", async () => {
    const scope = bothPlatforms(majorVersion);
    const listed = await dryRun(scope, server.access);
    const first = await provision(scope, server.access);
    expect(Object.values(listed.platforms).flatMap(({ changes }) => changes)).toEqual(first.changes);
    expect(first.logins).toEqual({ mlflow: "mlflow_a", prefect: "prefect_a" });
    expect(first.changes.map((step) => step.sql)).toContain(
      `CREATE DATABASE "prefect" OWNER "prefect_owner" TEMPLATE template0 ENCODING 'UTF8'`,
    );
    expect(await provision(scope, server.access)).toEqual({ changes: [], unsound: [], logins: first.logins });
  });

  it("gives the master ADMIN OPTION on every role, which a major upgrade from 15 needs", async () => {
    const rows = await server.sql(
      "select count(distinct roleid)::int as count from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = 'master' and m.admin_option",
    );
    expect(rows).toEqual([{ count: 6 }]);
  });

  it.each(["pg", "postgres"])("lets every login act as the owner, and nobody else in, as the driver %s sees it", async (driver) => {
    const { current, previous } = await versionsOf(server.access.store, "test--prefect");
    for (const credential of [current, previous]) {
      if (credential === null) throw new Error("there is no previous version");
      const run = driver === "pg" ? byPg(server, credential) : byPostgres(server, credential);
      expect(await run("prefect", "select current_user as user, session_user as login")).toEqual([
        { user: "prefect_owner", login: credential.username },
      ]);
      await run("prefect", `create table t_${driver}_${credential.username} (id int)`);
      await expect(run("mlflow", "select 1")).rejects.toThrow('permission denied for database "mlflow"');
    }
    expect(
      await byPg(server, current)("prefect", `select distinct tableowner from pg_tables where tablename like 't_${driver}_%'`),
    ).toEqual([{ tableowner: "prefect_owner" }]);
  });

  it("takes data from SQLite, and from a server of the same version", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "platform-postgres-test-majors-")), "mover.db");
    writeSqlite(path, FILE);
    const mover = await Mover.create(server, "mover");
    await mover.import(() => openSqlite(path, null)).finally(() => rmSync(dirname(path), { recursive: true }));
    await expectCopied(mover);
    const second = await Mover.create(server, "second");
    await second.import(() => openPostgres({ server: server.access.server, credential: mover.credential, database: "mover" }));
    await expectCopied(second);
  });

  it("limits the connections of each login to its budget", async () => {
    const scope = scopeWith({
      limited: tenant("limited", {
        logins: [
          { name: "limited_a", connectionLimit: 2 },
          { name: "limited_b", connectionLimit: 2 },
        ],
      }),
    });
    await provision(scope, server.access);
    const { current } = await versionsOf(server.access.store, "test--limited");
    const held = await Promise.all([1, 2].map(() => open(server.access.server, current, "limited")));
    await expect(open(server.access.server, current, "limited")).rejects.toThrow('too many connections for role "limited_a"');
    // A login whose connections are all in use is no fault.
    expect((await provision(scope, server.access)).changes).toEqual([]);
    await Promise.all(held.map((client) => client.end()));
  });

  it("accepts what lifts its limits for a migration", async () => {
    await provision(scopeWith({ migrates: tenant("migrates") }), server.access);
    const { current } = await versionsOf(server.access.store, "test--migrates");
    const session = await sessionWith(server, current, "migrates", migrations().options);
    expect((await session.query("show idle_session_timeout")).rows).toEqual([{ idle_session_timeout: "0" }]);
    await session.end();
  });

  it("lets a platform that insists create databases, which then belong to its owner", async () => {
    await provision(scopeWith({ creator: tenant("creator", { createDatabase: true }) }), server.access);
    const { current } = await versionsOf(server.access.store, "test--creator");
    await withClient(server.access.server, current, "postgres", (client) => client.query("create database made_by_creator"));
    expect(await server.sql("select pg_get_userbyid(datdba) as owner from pg_database where datname = 'made_by_creator'")).toEqual([
      { owner: "creator_owner" },
    ]);
  });

  it("lists in a dry run how the master gets the right to end sessions", async () => {
    const its = tenant("rights");
    await provision(scopeWith({ rights: its }), server.access);
    const { previous } = await versionsOf(server.access.store, its.secret);
    if (previous === null) throw new Error("there is no previous version");
    const session = await open(server.access.server, previous, "rights");
    await server.access.store.write(its.secret, { username: "rights_a", password: "the-only-one" }, true);
    await server.sql("revoke rights_b from master");
    expect(await expectListed(server, { rights: its })).toEqual([
      'ALTER ROLE "rights_b" NOLOGIN PASSWORD NULL',
      majorVersion < 16 ? 'GRANT "rights_b" TO CURRENT_USER WITH ADMIN OPTION' : 'GRANT "rights_b" TO CURRENT_USER',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rights_b'",
      'ALTER ROLE "rights_a" LOGIN',
    ]);
    await close(session);
  });

  // The statements differ below and from 16 on.
  if (majorVersion === 16) return;
  it("converges from every state that an interrupted run can leave", async () => {
    // As many tenants as there are states: before the first statement, after each, after the last.
    const all: Record<string, Tenant> = {};
    for (let count = 0, steps = 1; count <= steps; count++) {
      const name = `half_${count}`;
      const its = tenant(name, { databases: [{ name, extensions: ["pg_trgm"] }], loginParameters: { timezone: "UTC" } });
      await server.access.store.write(its.secret, { username: `${name}_a`, password: "half-done-password" });
      await withClient(server.access.server, server.access.master, "postgres", async (client) => {
        const planned = plan("test", [{ ...its, storedLogins: [`${name}_a`] }], await observe(client, [its])).steps;
        steps = planned.length;
        for (const step of planned.slice(0, count)) await client.query(step.sql);
      });
      await expectListed(server, { [name]: its });
      all[name] = its;
    }
    expect((await provision(scopeWith(all), server.access)).changes).toEqual([]);
    const ends = await withClient(server.access.server, server.access.master, "postgres", async (client) => {
      const found: unknown[] = [];
      for (const [name, its] of Object.entries(all))
        found.push(JSON.parse(JSON.stringify(await observe(client, [its])).replaceAll(name, "half")));
      return found;
    });
    // Nothing was interrupted in the first.
    for (const end of ends) expect(end).toEqual(ends[0]);
  });
});

/** Holds a dry run to what provisioning then does, and returns the statements. */
async function expectListed(server: TestServer, tenants: Readonly<Record<string, Tenant>>): Promise<readonly string[]> {
  const listed = await dryRun(scopeWith(tenants), server.access);
  const { changes } = await provision(scopeWith(tenants), server.access);
  expect(Object.values(listed.platforms).flatMap((each) => each.changes)).toEqual(changes);
  return changes.map(({ sql }) => sql);
}

const byPg = (server: TestServer, credential: Credential) => (database: string, statement: string) =>
  withClient(server.access.server, credential, database, async (client) => {
    await client.query("set search_path to public");
    return query(client, statement);
  });

const byPostgres =
  (server: TestServer, { username, password }: Credential) =>
  async (database: string, statement: string) => {
    const sql = postgres({
      host: "localhost",
      port: server.server.port,
      database,
      username,
      password,
      ssl: { ca: server.ca.certificate },
      max: 1,
      onnotice: () => undefined,
    });
    try {
      return [...(await sql.unsafe(statement))];
    } finally {
      await sql.end();
    }
  };
