import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withClient } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import { lookAtStatus } from "../../constructs/provisioning/status";
import { durationOf, toStatusPage } from "../../infra/local/status-report";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { tenant, versionsOf } from "../fixtures/tenants";

describe("the status of a server, seen by a master that is no superuser", () => {
  let server: TestServer;
  const revisions = [{ database: "looked", table: "alembic_version", newest: "version_num", expected: "b" }] as const;
  const scope = scopeWith({ looked: tenant("looked", { revisions: [...revisions] }), empty: tenant("empty") });
  beforeAll(async () => {
    server = await startServer();
    await provision(scope, server.access);
  });
  afterAll(() => server?.stop());

  it("is its version, its connections by platform, sizes, logins and migrations; and it changes nothing", async () => {
    const { current } = await versionsOf(server.access.store, "test--looked");
    const seen = await withClient(server.access.server, current, "looked", async (client) => {
      await client.query("create table public.alembic_version (version_num text); insert into public.alembic_version values ('a')");
      await client.query("create table public.filler as select repeat('x', 1000) from generate_series(1, 5000)");
      return withClient(server.access.server, current, "looked", () => lookAtStatus(scope, server.access));
    });
    expect(seen).toMatchObject({ isStandby: false, replicas: [] });
    expect(seen.version).toMatch(/^\d+\.\d+$/);
    expect(seen.connections.used).toBeGreaterThanOrEqual(2);
    expect(seen.certificateEnd?.getTime()).toBeGreaterThan(Date.now());
    expect(Date.now() - seen.startedAt.getTime()).toBeLessThan(3_600_000);
    const { looked, empty } = seen.platforms;
    expect(looked).toMatchObject({ connections: { used: 2, limit: 5 }, login: "looked_a" });
    expect(looked?.migrations).toEqual([expect.stringMatching(/^alembic_version says a, the version of the spec expects b; /)]);
    expect(empty).toMatchObject({ connections: { used: 0, active: 0, limit: 5 }, login: "empty_a", migrations: [] });
    expect((looked?.bytes ?? 0) - (empty?.bytes ?? 0)).toBeGreaterThan(5_000_000);
    expect(seen.bytes).toBeGreaterThan((looked?.bytes ?? 0) + (empty?.bytes ?? 0));
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("does not fail for a platform whose secret or database is not there", async () => {
    const more = scopeWith({ looked: tenant("looked"), missing: tenant("missing") });
    const { platforms } = await lookAtStatus(more, server.access);
    expect(platforms.missing).toEqual({ connections: { used: 0, active: 0, limit: 5 }, bytes: null, login: null, migrations: [] });
  });

  it("contains no password", async () => {
    const text = JSON.stringify(await lookAtStatus(scope, server.access));
    const { current, previous } = await versionsOf(server.access.store, "test--looked");
    for (const password of [current.password, previous?.password, server.access.master.password]) expect(text).not.toContain(password);
  });
});

describe("the page of a status", () => {
  const status = {
    version: "17.6",
    startedAt: new Date("2026-11-28T10:00:00Z"),
    isStandby: false,
    bytes: 3 * 2 ** 30,
    connections: { max: 100, used: 7 },
    replicas: [
      { name: "replica1", state: "streaming", lagSeconds: 0.25 },
      { name: "10.0.0.9", state: null, lagSeconds: null },
    ],
    certificateEnd: new Date("2061-05-20T00:00:00Z"),
    platforms: { mlflow: { connections: { used: 3, active: null, limit: 34 }, bytes: null, login: null, migrations: ["one", "two"] } },
  };

  it("shows each instance, and the platforms on it", () => {
    const page = toStatusPage([{ name: "main", host: "db", port: 5432, maxConnections: 400, status }], new Date("2026-11-30T12:00:00Z"));
    expect(stripVTControlCharacters(page)).toBe(
      [
        "instance main",
        "  server       PostgreSQL 17.6 on db:5432, for 2 days",
        "  size         3 GB",
        "  connections  7 of 100 in use, the environment counts on 400",
        "  replicas     replica1: streaming, 0.3 s behind; 10.0.0.9: state not visible",
        "  certificate  until 2061-05-20",
        "  mlflow",
        "    connections  3 of at most 34",
        "    login        none that can be read",
        "    size         not visible",
        "    migrations   one",
        "                 two",
        "",
      ].join("\n"),
    );
  });

  it("counts durations in their largest unit", () => {
    expect([0, 61_000, 3_600_000, 90_000_000].map(durationOf)).toEqual(["0 seconds", "1 minute", "1 hour", "1 day"]);
  });
});
