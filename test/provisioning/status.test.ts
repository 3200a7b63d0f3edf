import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withClient } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import { lookAtStatus, type PlatformStatus, type ServerStatus } from "../../constructs/provisioning/status";
import type { Backups, CloudView, Machine } from "../../infra/cloud-instance";
import { durationOf, type Rotation, type SeenInstance, toStatusPage } from "../../infra/local/status-report";
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
    expect(looked?.migrations).toEqual([expect.stringMatching(/^alembic_version shows a, but the version of the spec expects b; /)]);
    expect(empty).toMatchObject({ connections: { used: 0, active: 0, limit: 5 }, login: "empty_a", migrations: [] });
    expect(empty?.passwordSince).toEqual((await versionsOf(server.access.store, "test--empty")).since);
    expect(Date.now() - (looked?.passwordSince?.getTime() ?? 0)).toBeLessThan(3_600_000);
    expect((looked?.bytes ?? 0) - (empty?.bytes ?? 0)).toBeGreaterThan(5_000_000);
    expect(seen.bytes).toBeGreaterThan((looked?.bytes ?? 0) + (empty?.bytes ?? 0));
    expect((await provision(scope, server.access)).changes).toEqual([]);
  });

  it("does not fail for a platform whose secret or database is not there", async () => {
    const more = scopeWith({ looked: tenant("looked"), missing: tenant("missing") });
    const { platforms } = await lookAtStatus(more, server.access);
    expect(platforms.missing).toEqual({
      connections: { used: 0, active: 0, limit: 5 },
      bytes: null,
      login: null,
      passwordSince: null,
      migrations: [],
    });
  });

  it("contains no password", async () => {
    const text = JSON.stringify(await lookAtStatus(scope, server.access));
    const { current, previous } = await versionsOf(server.access.store, "test--looked");
    for (const password of [current.password, previous?.password, server.access.master.password]) expect(text).not.toContain(password);
  });
});

describe("the page of a status", () => {
  const now = new Date("2026-11-30T12:00:00Z");
  const mlflow: PlatformStatus = {
    connections: { used: 3, active: null, limit: 34 },
    bytes: null,
    login: "mlflow_a",
    passwordSince: new Date("2026-11-28T10:00:00Z"),
    migrations: ["one", "two"],
  };
  const status: ServerStatus = {
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
    platforms: { mlflow, empty: { ...mlflow, login: null, passwordSince: null, migrations: [] } },
  };
  const machine: Machine = {
    type: "db.m7g.large",
    diskGib: 100,
    state: "available",
    isUsable: true,
    zone: "eu-central-1a",
    standby: { zone: "eu-central-1b" },
  };
  const [oldest, latest] = [new Date("2026-11-16T03:12:09Z"), new Date("2026-11-30T11:55:00Z")];
  const backups: Backups = { areOn: true, days: 14, kept: null, oldest, latest };
  const main: SeenInstance = { name: "main", host: "db", port: 5432, maxConnections: 400, status, view: null, isHere: true };
  const viewOf = (its: Machine | string, kept: Backups | string): CloudView => ({
    machine: typeof its === "string" ? { value: null, problem: its } : { value: its, problem: null },
    backups: typeof kept === "string" ? { value: null, problem: kept } : { value: kept, problem: null },
  });
  const rotation: Rotation = { days: 30, command: (platform) => `npm run rotate -- --platform ${platform}` };
  const pageOf = (change: Partial<SeenInstance>, columns: number | null = null, its = rotation) =>
    stripVTControlCharacters(toStatusPage([{ ...main, ...change }], { rotation: its, now, columns }));
  const rowOf = (label: string, ...given: Parameters<typeof pageOf>) =>
    pageOf(...given)
      .split("\n")
      .find((line) => line.trimStart().startsWith(label))
      ?.slice(2 + "connections".length + 2);

  it("shows each instance, and the platforms on it", () => {
    expect(pageOf({})).toBe(
      [
        "instance main",
        "  server       PostgreSQL 17.6 on db:5432, for 2 days",
        "  size         3 GB",
        "  connections  7 of 100 in use, the environment expects 400",
        "  replicas     replica1: streaming, 0.3 s behind; 10.0.0.9: state not visible",
        "  backups      none on this machine",
        "  certificate  until 2061-05-20",
        "  mlflow",
        "    connections  3 of at most 34",
        "    login        mlflow_a, since 2026-11-28 (2 days)",
        "    size         not visible",
        "    migrations   one",
        "                 two",
        "  empty",
        "    connections  3 of at most 34",
        "    login        not readable",
        "    size         not visible",
        "",
      ].join("\n"),
    );
  });

  it("shows what the cloud keeps, in lines of a terminal", () => {
    const host = "shop-main.c0abcdefghij.eu-central-1.rds.amazonaws.com";
    const page = pageOf({ host, view: viewOf(machine, backups) }, 80);
    expect(page.split("\n").slice(0, 12)).toEqual([
      "instance main",
      "  server       PostgreSQL 17.6 on",
      "               shop-main.c0abcdefghij.eu-central-1.rds.amazonaws.com:5432, for 2",
      "               days",
      "  machine      db.m7g.large, 100 GiB, available in eu-central-1a, standby in",
      "               eu-central-1b",
      "  size         3 GB",
      "  connections  7 of 100 in use, the environment expects 400",
      "  replicas     replica1: streaming, 0.3 s behind; 10.0.0.9: state not visible",
      "  backups      kept for 14 days; any moment from 2026-11-16T03:12Z to",
      "               2026-11-30T11:55Z (5 minutes ago) can be restored",
      "  certificate  until 2061-05-20",
    ]);
    expect(Math.max(...page.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([
    [{ type: "db-custom-2-8192", diskGib: null, zone: null, standby: null }, "db-custom-2-8192, available, no standby"],
    [{ standby: { zone: null } }, "db.m7g.large, 100 GiB, available in eu-central-1a, standby"],
  ] as const)("shows a machine: %j", (change, row) => {
    expect(rowOf("machine", { view: viewOf({ ...machine, ...change }, backups) })).toBe(row);
  });

  it.each([
    [{ areOn: false, days: null, oldest: null, latest: null }, "off: nothing can be restored"],
    [{ days: null, oldest: null, latest: null }, "kept for an unknown number of days; none is complete yet: nothing can be restored"],
    [{ oldest: null, latest: null }, "kept for 14 days; none is complete yet: nothing can be restored"],
    [
      { kept: 15 },
      "15 are kept, with logs of 14 days; any moment from 2026-11-16T03:12Z to 2026-11-30T11:55Z (5 minutes ago) can be restored",
    ],
    [{ days: null, kept: 8 }, "8 are kept; the oldest from 2026-11-16T03:12Z, the newest from 2026-11-30T11:55Z (5 minutes ago)"],
  ])("shows backups: %j", (change, row) => {
    expect(rowOf("backups", { view: viewOf(machine, { ...backups, ...change }) })).toBe(row);
  });

  it("shows why a part is not visible, and that no cloud runs a database", () => {
    const view = viewOf("you have no permission to query RDS (denied); grant rds:DescribeDBInstances", "RDS does not answer");
    expect(rowOf("machine", { view })).toBe("not visible: you have no permission to query RDS (denied); grant rds:DescribeDBInstances");
    expect(rowOf("backups", { view })).toBe("not visible: RDS does not answer");
    expect(rowOf("backups", { isHere: false })).toBe("unknown: no cloud of this environment runs this database");
    expect(rowOf("machine", { isHere: false })).toBeUndefined();
  });

  it.each([
    [32, 30, null],
    [33, 30, "30 days"],
    [4, 1, "day"],
    [400, null, null],
  ])("warns of a rotation that is overdue: after %i days, every %s", (age, days, period) => {
    const passwordSince = new Date(now.getTime() - age * 86_400_000);
    const seen = { status: { ...status, platforms: { mlflow: { ...mlflow, passwordSince } } } };
    const row = `    login        mlflow_a, since ${passwordSince.toISOString().slice(0, 10)} (${age} days)`;
    const command = `${" ".repeat(17)}npm run rotate -- --platform mlflow`;
    const overdue = `${row}: rotation is overdue (due every ${period}); see its log, or run\n${command}\n`;
    const page = pageOf(seen, null, { ...rotation, days });
    expect(page).toContain(period === null ? `${row}\n` : overdue);
    // Lines of a terminal leave the command whole.
    if (period !== null) expect(pageOf(seen, 40, { ...rotation, days })).toContain(`\n${command}\n`);
  });

  it("counts durations in their largest unit", () => {
    expect([0, 61_000, 3_600_000, 90_000_000].map(durationOf)).toEqual(["0 seconds", "1 minute", "1 hour", "1 day"]);
  });
});
