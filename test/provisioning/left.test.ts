import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open } from "../../constructs/provisioning/connect";
import { diagnose } from "../../constructs/provisioning/doctor";
import { closePlatform } from "../../constructs/provisioning/left";
import { provision } from "../../constructs/provisioning/provision";
import { closeAll } from "../../infra/local/deliver";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { refusal, tenant, versionsOf } from "../fixtures/tenants";

describe("a platform that was taken out of the spec", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  const stays = tenant("stays");
  const gone = tenant("has_gone");
  const without = scopeWith({ stays });
  const problems = async () =>
    (await diagnose("main", without, server.access, server.stranger.certificate)).flatMap(({ problem }) => problem ?? []);

  it("is reported until its logins are closed, and keeps its data", async () => {
    await provision(scopeWith({ stays, "has-gone": gone }), server.access);
    const { current } = await versionsOf(server.access.store, gone.secret);
    const session = await open(server.access.server, current, "has_gone");
    await session.query("create table public.kept (id int)");
    const ended = new Promise((resolve) => session.once("end", resolve));
    expect(await problems()).toEqual([
      "has_gone_a, has_gone_b can still log in, and no rotation renews them; close has-gone, which keeps the data, or put the platform back into the spec",
    ]);

    expect(await closePlatform("has-gone", "test", [stays], server.access)).toBe(1);
    await ended;
    expect(await problems()).toEqual([]);
    expect(await refusal(open(server.access.server, current, "has_gone"))).toMatch(
      /not permitted to log in|password authentication failed/,
    );
    expect(await server.sql("select count(*)::int as count from pg_database where datname = 'has_gone'")).toEqual([{ count: 1 }]);
  });

  it("can come back, with a new password", async () => {
    const before = await versionsOf(server.access.store, gone.secret);
    await provision(scopeWith({ stays, "has-gone": gone }), server.access);
    const { current } = await versionsOf(server.access.store, gone.secret);
    expect(current.password).not.toBe(before.current.password);
    const session = await open(server.access.server, current, "has_gone");
    expect((await session.query("select count(*)::int as count from public.kept")).rows).toEqual([{ count: 0 }]);
    await session.end();
  });

  it("is not reported as closed while an instance cannot be reached, but is closed on the others", async () => {
    const away = { ...server.access, server: { ...server.access.server, port: 1 }, patience: { deadlineMs: 0 } };
    const instance = (name: string, access = server.access) => ({ name, scope: without, access, ca: "", directory: null });
    expect(await problems()).toHaveLength(1);
    for (const instances of [
      [instance("main"), instance("away", away)],
      [instance("away", away), instance("main")],
    ])
      expect(await refusal(closeAll({ instances }, "has-gone"))).toContain("nothing listens on");
    expect(await problems()).toEqual([]);
    expect(await refusal(closeAll({ instances: [instance("main"), instance("other")] }, "has-gone"))).toContain("has no logins to close");
  });

  it.each([
    ["stays", "it is in the spec, or was never provisioned here"],
    ["nonesuch", "it is in the spec, or was never provisioned here"],
  ])("is not %s", async (name, reason) => {
    expect(await refusal(closePlatform(name, "test", [stays, gone], server.access))).toBe(
      `ProvisioningError: ${name} has no logins to close: ${reason}`,
    );
  });
});

describe("what a platform writes", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  const its = tenant("writes", {
    revisions: [{ database: "writes", table: "alembic_version", newest: "max(version_num)", expected: "0123456789ab" }],
  });
  const scope = scopeWith({ writes: its });
  const look = async (access = server.access) =>
    (await diagnose("main", scope, access, server.stranger.certificate)).filter(({ promise }) => promise.includes("schema of"));

  it.each([
    ["escape codes", "select E'\\x1b[2K\\x1b[32m62 checks passed\\x1b[0m\\n' as version_num"],
    ["a megabyte", "select repeat('x', 1000000) as version_num"],
    ["line breaks", "select E'0123456789ab\\n\\nall is well' as version_num"],
  ])("is shown short and on one line: %s", async (_what, view) => {
    await provision(scope, server.access);
    await server.sql(
      `set role writes_owner; drop view if exists public.alembic_version; create view public.alembic_version as ${view}; reset role`,
      "writes",
    );
    const [check] = await look();
    expect(check?.problem).toMatch(/^alembic_version shows /);
    expect(check?.problem?.length).toBeLessThan(700);
    expect(check?.problem).not.toMatch(/\p{Cc}/u);
  });

  it("is given up when it takes long, and stops nobody", async () => {
    await server.sql(
      "set role writes_owner; drop view if exists public.alembic_version; create view public.alembic_version as select pg_sleep(3600)::text as version_num; reset role",
      "writes",
    );
    const [check] = await look({ ...server.access, patience: { deadlineMs: 500 } });
    expect(check?.problem).toContain("could not be checked: ");
  });

  it("may raise anything, of which a line is shown", async () => {
    await server.sql(
      `set role writes_owner; drop view if exists public.alembic_version;
       create function public.shout() returns text language plpgsql as $$ begin raise exception E'\\x1b[31m%', repeat('all is lost ', 1000); end $$;
       create view public.alembic_version as select public.shout() as version_num; reset role`,
      "writes",
    );
    const [check] = await look();
    expect(check?.problem).toMatch(/^could not be checked: \[31mall is lost/);
    expect(check?.problem?.length).toBeLessThan(350);
  });
});
