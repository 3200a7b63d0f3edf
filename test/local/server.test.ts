import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { open } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import { scopeOf, startServer, type TestServer } from "../fixtures/server";
import { refusal, versionsOf } from "../fixtures/tenants";

describe("LocalServer", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  it("has the parameters of the spec, logs by default, and UTF-8", async () => {
    const { instances } = resolve(
      {
        name: "test",
        instances: { main: { parameters: { work_mem: "5MB", wal_compression: "lz4", log_line_prefix: "%p " } } },
        platforms: {},
      },
      { target: local, platforms },
    );
    const parameters = Object.fromEntries(
      Object.entries(instances.main?.settings.parameters ?? {}).map(([name, value]) => [name, String(value)]),
    );
    server = await server.restart({ parameters });
    const rows = await server.sql(
      "select name, setting from pg_settings where name in ('work_mem', 'log_min_duration_statement', 'log_connections', 'log_lock_waits', 'server_encoding', 'wal_compression', 'log_line_prefix') order by 1",
    );
    expect(rows.map((row) => `${row.name}=${row.setting}`)).toEqual([
      "log_connections=on",
      "log_line_prefix=%p ",
      "log_lock_waits=on",
      "log_min_duration_statement=1000",
      "server_encoding=UTF8",
      // The programs were built without it.
      "wal_compression=off",
      "work_mem=5120",
    ]);
  });

  it("listens on loopback only, with TLS", async () => {
    expect(await server.sql("select name, setting from pg_settings where name in ('listen_addresses', 'ssl') order by 1")).toEqual([
      { name: "listen_addresses", setting: "localhost" },
      { name: "ssl", setting: "on" },
    ]);
  });

  it("admits no superuser, and nobody without TLS", async () => {
    await expect(open(server.access.server, { username: "postgres", password: "a-guess" }, "postgres")).rejects.toThrow(
      'password authentication failed for user "postgres"',
    );
    expect(await server.sql("select rolname from pg_roles where rolsuper")).toEqual([{ rolname: "postgres" }]);
    await expect(open({ ...server.access.server, tls: { mode: "proxy" } }, server.access.master, "postgres")).rejects.toThrow(
      /no pg_hba\.conf entry for host .* no encryption/,
    );
  });

  it("is reached by its address, too, which its certificate carries", async () => {
    const client = await open({ ...server.access.server, host: "127.0.0.1" }, server.access.master, "postgres");
    await client.end();
  });

  it("says in a sentence which parameter PostgreSQL refuses", async () => {
    const refused = (parameters: Record<string, string>) => refusal(server.restart({ parameters }));
    expect(await refused({ no_such_parameter: "1" })).toBe(
      'UserError: PostgreSQL rejects a parameter: unrecognized configuration parameter "no_such_parameter"; correct it in parameters of the spec',
    );
    expect(await refused({ work_mem: "much" })).toBe(
      'UserError: PostgreSQL rejects a parameter: invalid value for parameter "work_mem": "much"; correct it in parameters of the spec',
    );
    expect(await refused({ max_worker_processes: "-1" })).toMatch(
      /^UserError: PostgreSQL rejects a parameter: .*"max_worker_processes".*; correct it in parameters of the spec$/,
    );
    server = await server.startAgain(server.server.port);
    expect(existsSync(join(server.server.directory, "data", "postmaster.pid"))).toBe(true);
  });

  it("takes the next port where one is taken", async () => {
    const other = createServer();
    const taken = await new Promise<number>((done) => other.listen(0, "127.0.0.1", () => done((other.address() as AddressInfo).port)));
    await server.server.stop();
    server = await server.startAgain(taken);
    other.close();
    expect(server.server.port).toBeGreaterThan(taken);
    expect(await server.sql("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("carries all connections that the budget promises, at the same time", async () => {
    const scope = scopeOf({ name: "test", instances: { main: {} }, platforms: { prefect: {}, mlflow: {} } }, platforms);
    await provision(scope, server.access);
    const held = await Promise.all(
      Object.entries(scope.instance.tenants).flatMap(([name, tenant]) =>
        Array.from({ length: tenant.logins[0].connectionLimit }, async () =>
          open(server.access.server, (await versionsOf(server.access.store, tenant.secret)).current, name),
        ),
      ),
    );
    expect(held).toHaveLength(60);
    // And the master still gets in.
    expect(await server.sql("select count(*)::int as count from pg_stat_activity where usename in ('prefect_a', 'mlflow_a')")).toEqual([
      { count: 60 },
    ]);
    await Promise.all(held.map((client) => client.end()));
  });
});
