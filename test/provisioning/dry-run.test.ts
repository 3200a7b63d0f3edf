import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tenant } from "../../constructs/model/spec";
import type { Scope, ServerAccess } from "../../constructs/provisioning/access";
import { close, open } from "../../constructs/provisioning/connect";
import { type DryRun, dryRun } from "../../constructs/provisioning/dry-run";
import { showStatement } from "../../constructs/provisioning/plan";
import { type Provisioned, provision } from "../../constructs/provisioning/provision";
import { must } from "../fixtures/must";
import { scopeWith, startServer, type TestServer } from "../fixtures/server";
import { memoryStore, refusal, tenant, versionsOf } from "../fixtures/tenants";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

/** The next transaction id: any change on the server, by whomever, takes one. */
const nextTransaction = async () => (await server.sql("select pg_snapshot_xmax(pg_current_snapshot())::text as next"))[0]?.next;

/** A dry run that must not write: neither on the server, nor into the store. */
async function tryDry(scope: Scope, access: ServerAccess = server.access): Promise<DryRun> {
  const before = await nextTransaction();
  const { read, description } = { read: access.store.read.bind(access.store), description: access.store.description };
  const listed = await dryRun(scope, { ...access, store: { description, read } });
  expect(await nextTransaction()).toBe(before);
  return listed;
}

const all = <K extends "changes" | "unsound" | "problems" | "unknown" | "works">({ platforms }: DryRun, key: K) =>
  Object.values(platforms).flatMap((each) => [...each[key]]);

/** Holds a dry run to what provisioning then does. */
async function agree(scope: Scope, access: ServerAccess = server.access): Promise<DryRun> {
  const listed = await tryDry(scope, access);
  expect(listed.refusal).toBeNull();
  expect(all(listed, "problems")).toEqual([]);
  const { changes, unsound } = await provision(scope, access);
  expect(all(listed, "changes")).toEqual(changes);
  expect(all(listed, "unsound")).toEqual(unsound);
  return listed;
}

const statements = (listed: DryRun) => Object.values(listed.platforms).flatMap(({ changes }) => changes.map(showStatement));

describe("a dry run", () => {
  it("lists what provisioning does on an empty server, and nothing on one that is complete", async () => {
    const its = tenant("fresh", {
      databases: [{ name: "fresh", extensions: ["pg_trgm", "plpgsql"] }],
      loginParameters: { timezone: "UTC" },
    });
    const scope = scopeWith({ fresh: its, second: tenant("second") });
    const listed = await agree(scope);
    expect(statements({ ...listed, platforms: { fresh: listed.platforms.fresh as never } })).toEqual([
      'CREATE ROLE "fresh_owner" NOLOGIN NOCREATEDB',
      `COMMENT ON ROLE "fresh_owner" IS 'platform-postgres: environment test'`,
      'GRANT "fresh_owner" TO CURRENT_USER WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "fresh_a" LOGIN NOCREATEDB CONNECTION LIMIT 5 PASSWORD <not shown>',
      'GRANT "fresh_owner" TO "fresh_a" WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "fresh_b" LOGIN NOCREATEDB CONNECTION LIMIT 5 PASSWORD <not shown>',
      'GRANT "fresh_owner" TO "fresh_b" WITH INHERIT TRUE, SET TRUE',
      `CREATE DATABASE "fresh" OWNER "fresh_owner" TEMPLATE template0 ENCODING 'UTF8'`,
      'REVOKE ALL ON DATABASE "fresh" FROM PUBLIC',
      `ALTER ROLE "fresh_a" IN DATABASE "fresh" SET "role" = 'fresh_owner'`,
      `ALTER ROLE "fresh_a" IN DATABASE "fresh" SET "timezone" = 'UTC'`,
      `ALTER ROLE "fresh_b" IN DATABASE "fresh" SET "role" = 'fresh_owner'`,
      `ALTER ROLE "fresh_b" IN DATABASE "fresh" SET "timezone" = 'UTC'`,
      'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public',
    ]);
    expect(listed.platforms.fresh?.changes.map(({ database }) => database)).toEqual([...Array(13).fill("postgres"), "fresh"]);
    expect(listed.platforms.fresh?.secret).toEqual({ secret: "test--fresh", logins: ["fresh_b", "fresh_a"], why: "it is empty" });

    const complete = await agree(scope);
    const nothing = { changes: [], secret: null, problems: [], unsound: [], unknown: [] };
    expect(complete).toEqual({
      refusal: null,
      platforms: {
        fresh: { ...nothing, works: ["fresh_a", "fresh_b"] },
        second: { ...nothing, works: ["second_a", "second_b"] },
      },
    });
  });

  const EXTENSION: Partial<Tenant> = { databases: [{ name: "x", extensions: ["pg_trgm"] }], loginParameters: { timezone: "UTC" } };
  const barred = (login: string) =>
    `whether login ${login} can connect to database x: at present it cannot (permission denied for database "x")`;
  /** What somebody changed, the statements that mend it, and what shows only afterwards. */
  const KINDS: Readonly<Record<string, readonly [drift: readonly string[], mended: readonly string[], unknown?: readonly string[]]>> = {
    "a missing role": [
      ["drop role x_b"],
      [
        'CREATE ROLE "x_b" LOGIN NOCREATEDB CONNECTION LIMIT 5 PASSWORD <not shown>',
        'GRANT "x_owner" TO "x_b" WITH INHERIT TRUE, SET TRUE',
        `ALTER ROLE "x_b" IN DATABASE "x" SET "role" = 'x_owner'`,
        `ALTER ROLE "x_b" IN DATABASE "x" SET "timezone" = 'UTC'`,
      ],
    ],
    "another owner": [
      ["alter database x owner to master"],
      ['ALTER DATABASE "x" OWNER TO "x_owner"'],
      [barred("x_a"), "whether database x has other problems: it does not belong to x_owner yet", barred("x_b")],
    ],
    "a lost grant": [["revoke temporary on database x from x_owner"], ['GRANT ALL ON DATABASE "x" TO "x_owner"']],
    "a lost right to connect": [
      ["revoke connect on database x from x_owner"],
      ['GRANT ALL ON DATABASE "x" TO "x_owner"'],
      [barred("x_a"), "which extensions are missing in database x, and whether it has other problems", barred("x_b")],
    ],
    "a grant to everybody": [["grant connect on database x to public"], ['REVOKE ALL ON DATABASE "x" FROM PUBLIC']],
    "a lost parameter": [["alter role x_a in database x reset role"], [`ALTER ROLE "x_a" IN DATABASE "x" SET "role" = 'x_owner'`]],
    "another value of a parameter": [
      ["alter role x_b in database x set timezone = 'Asia/Tokyo'"],
      [`ALTER ROLE "x_b" IN DATABASE "x" SET "timezone" = 'UTC'`],
    ],
    "a missing extension": [["\\x: drop extension pg_trgm"], ['CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public']],
    "another limit of a login": [["alter role x_a connection limit 99"], ['ALTER ROLE "x_a" NOCREATEDB CONNECTION LIMIT 5']],
    "another limit of a database": [["alter database x connection limit 1"], ['ALTER DATABASE "x" CONNECTION LIMIT -1']],
    "another password": [["alter role x_b password 'something-else'"], ['ALTER ROLE "x_b" LOGIN PASSWORD <not shown>']],
    "a password that has ended": [
      ["alter role x_a valid until '2020-02-02'"],
      [`ALTER ROLE "x_a" VALID UNTIL 'infinity'`],
      ["whether login x_a has the password of its secret: its password has expired"],
    ],
    "a password that ends later": [["alter role x_a valid until '2999-01-01'"], [`ALTER ROLE "x_a" VALID UNTIL 'infinity'`]],
    "a login that may not log in": [
      ["alter role x_b nologin"],
      ['ALTER ROLE "x_b" LOGIN'],
      ['whether login x_b can connect to database x: at present it cannot (role "x_b" is not permitted to log in)'],
    ],
    "a login that is no member": [["revoke x_owner from x_b"], ['GRANT "x_owner" TO "x_b" WITH INHERIT TRUE, SET TRUE'], [barred("x_b")]],
    "a master that is no member": [["revoke x_owner from master"], ['GRANT "x_owner" TO CURRENT_USER WITH INHERIT TRUE, SET TRUE']],
    "roles that may do more": [
      ["alter role x_owner login", "alter role x_owner createdb", "alter role x_a createrole", "alter role x_b noinherit"],
      [
        'ALTER ROLE "x_owner" NOLOGIN PASSWORD NULL',
        'ALTER ROLE "x_owner" NOCREATEDB',
        'ALTER ROLE "x_a" NOCREATEROLE',
        'ALTER ROLE "x_b" INHERIT',
      ],
    ],
    "a closed database": [
      ["alter database x allow_connections false"],
      ['ALTER DATABASE "x" ALLOW_CONNECTIONS true'],
      [
        'whether login x_a can connect to database x: at present it cannot (database "x" is not currently accepting connections)',
        "which extensions are missing in database x, and whether it has other problems",
        'whether login x_b can connect to database x: at present it cannot (database "x" is not currently accepting connections)',
      ],
    ],
    "a login without connections, and a missing extension": [
      ["\\x: drop extension pg_trgm", "alter role x_a connection limit 0"],
      ['ALTER ROLE "x_a" NOCREATEDB CONNECTION LIMIT 5', 'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public'],
    ],
    "a lost mark": [["comment on role x_owner is null"], [`COMMENT ON ROLE "x_owner" IS 'platform-postgres: environment test'`]],
    "many things at once": [
      ["alter database x owner to master", "revoke x_owner from x_a", "alter role x_a password 'other'", "\\x: drop extension pg_trgm"],
      [
        'GRANT "x_owner" TO "x_a" WITH INHERIT TRUE, SET TRUE',
        'ALTER DATABASE "x" OWNER TO "x_owner"',
        'ALTER ROLE "x_a" LOGIN PASSWORD <not shown>',
        'CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public',
      ],
      ["whether database x has other problems: it does not belong to x_owner yet", barred("x_b")],
    ],
  };

  describe("of a server that somebody changed", () => {
    const names = Object.keys(KINDS).map((_kind, index) => `kind${index}`);
    const named = (text: string, name: string) => text.replaceAll(/\bx(?=\b|_)/g, name);
    let [listed, again]: DryRun[] = [];
    let done: Provisioned;
    // A platform for each kind, so that one run lists all.
    beforeAll(async () => {
      const tenants = names.map((name) => [name, tenant(name, { ...EXTENSION, databases: [{ name, extensions: ["pg_trgm"] }] })] as const);
      const scope = scopeWith(Object.fromEntries(tenants));
      await provision(scope, server.access);
      for (const [index, [drift]] of Object.values(KINDS).entries())
        for (const each of drift) {
          const [, database = "postgres", statement = each] = /^\\(\w+): (.*)$/.exec(each) ?? [];
          await server.sql(named(statement, names[index] ?? ""), named(database, names[index] ?? ""));
        }
      listed = await tryDry(scope);
      done = await provision(scope, server.access);
      again = await tryDry(scope);
    });

    it("is what provisioning does, after which nothing is left to do", () => {
      expect(all(must(listed), "changes")).toEqual(done.changes);
      expect(all(must(listed), "unsound")).toEqual(done.unsound);
      expect(["changes", "problems", "unsound", "unknown"].flatMap((key) => all(must(again), key as "changes"))).toEqual([]);
      expect(all(must(again), "works")).toHaveLength(2 * names.length);
    });

    it.each(Object.entries(KINDS).map(([kind, its], index) => [kind, names[index] ?? "", ...its] as const))(
      "lists what provisioning does about %s",
      (_kind, name, _drift, mended, unknown = []) => {
        const its = listed?.platforms[name];
        expect(its?.changes.map(showStatement)).toEqual(mended.map((each) => named(each, name)));
        expect(its?.unknown).toEqual(unknown.map((each) => named(each, name)));
      },
    );
  });

  it("lists new passwords where the secret store has lost them, and the rest of a first run that was interrupted", async () => {
    const scope = scopeWith({ lost: tenant("lost") });
    await provision(scope, server.access);
    const lost = await agree(scope, { ...server.access, store: memoryStore() });
    expect(statements(lost)).toEqual(['ALTER ROLE "lost_a" LOGIN PASSWORD <not shown>', 'ALTER ROLE "lost_b" LOGIN PASSWORD <not shown>']);
    expect(lost.platforms.lost).toMatchObject({ secret: { logins: ["lost_b", "lost_a"], why: "it is empty" }, works: [] });

    const half = memoryStore();
    await half.write("test--half", { username: "half_b", password: "first-and-only" });
    const { platforms } = await agree(scopeWith({ half: tenant("half") }), { ...server.access, store: half });
    expect(platforms.half?.secret).toEqual({
      secret: "test--half",
      logins: ["half_a"],
      why: "provisioning was interrupted before it wrote the second version",
    });
  });

  it("lists the end of sessions that an interrupted revocation left", async () => {
    const its = tenant("leak");
    const scope = scopeWith({ leak: its });
    await provision(scope, server.access);
    const { current } = await versionsOf(server.access.store, its.secret);
    const session = await open(server.access.server, current, "leak");
    await server.sql("comment on role leak_a is 'platform-postgres: revoked'; alter role leak_a nologin password null");
    const revoked = await agree(scope);
    expect(revoked.platforms.leak?.secret).toMatchObject({ logins: ["leak_a"], why: expect.stringMatching(/^a login was revoked/) });
    expect(statements(revoked)).toEqual([
      'ALTER ROLE "leak_a" LOGIN PASSWORD <not shown>',
      'COMMENT ON ROLE "leak_a" IS NULL',
      'ALTER ROLE "leak_b" NOLOGIN PASSWORD NULL',
    ]);
    await close(session);

    const forgotten = await open(server.access.server, await leakB(), "leak");
    expect(statements(await agree(scope))).toEqual([
      'ALTER ROLE "leak_b" NOLOGIN PASSWORD NULL',
      'GRANT "leak_b" TO CURRENT_USER',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'leak_b'",
    ]);
    await close(forgotten);
  });
  const leakB = async () => {
    await server.sql("alter role leak_b login password 'from-elsewhere'");
    return { username: "leak_b", password: "from-elsewhere" };
  };

  it("lists what is wrong in databases, and stays so", async () => {
    const scope = scopeWith({ ill: tenant("ill") });
    await provision(scope, server.access);
    await server.sql("create role ill_former; grant ill_former to master");
    await server.sql(
      "grant all on schema public to ill_former; create table public.old (id int); alter table public.old owner to ill_former",
      "ill",
    );
    await server.sql("alter database ill set statement_timeout = '1s'");
    const { platforms } = await agree(scope);
    expect(platforms.ill?.unsound).toEqual([
      expect.stringMatching(/^public\.old in ill belong to ill_former; run in that database as an administrator: /),
      expect.stringMatching(/^ill sets statement_timeout to 1s for everybody; /),
    ]);
  });

  it("has the sentences of provisioning for what only somebody else can mend", async () => {
    const [well, spoiled] = [tenant("well"), tenant("spoiled")];
    const scope = scopeWith({ spoiled, well });
    await server.access.store.write(spoiled.secret, { username: "stranger", password: "secret-password" });
    const mixed = await tryDry(scope);
    expect(await refusal(provision(scope, server.access))).toBe(`ProvisioningError: ${all(mixed, "problems").join("\n")}`);
    expect(all(mixed, "problems")).toEqual([expect.stringContaining("names the login stranger, not spoiled_a or spoiled_b")]);
    expect(mixed.platforms.well?.changes.length).toBeGreaterThan(5);

    const other = { ...scopeWith({ well }), environment: "staging" };
    const foreign = await tryDry(other);
    expect(await refusal(provision(other, server.access))).toBe(`ProvisioningError: ${all(foreign, "problems").join("\n")}`);
    expect(foreign.platforms.well).toMatchObject({ changes: [], secret: null });

    const large = scopeWith({
      large: tenant("large", {
        logins: [
          { name: "large_a", connectionLimit: 900 },
          { name: "large_b", connectionLimit: 900 },
        ],
      }),
    });
    const short = await tryDry(large);
    expect(await refusal(provision(large, server.access))).toBe(`ProvisioningError: ${short.refusal}`);

    await server.sql("create role lesser login password 'lesser-password'");
    const access = { ...server.access, master: { username: "lesser", password: "lesser-password" } };
    const refused = await tryDry(scope, access);
    expect(await refusal(provision(scope, access))).toBe(`ProvisioningError: ${refused.refusal}`);
    expect(refused.platforms).toEqual({});
  });

  it("shows statements with a password so that none is set by pasting them", async () => {
    const statement = showStatement({ sql: "ALTER ROLE CURRENT_USER LOGIN", passwordOf: "master" });
    await expect(server.sql(statement)).rejects.toThrow('syntax error at or near "<"');
  });

  it("names an extension that the server does not have", async () => {
    const lacking = tenant("lacking", { databases: [{ name: "lacking", extensions: ["pg_trgm", "no_such"] }] });
    const listed = await tryDry(scopeWith({ lacking }));
    expect(all(listed, "problems")).toEqual([
      "extension no_such cannot be created in database lacking: the server does not have it; allow it on the server",
    ]);
    expect(statements(listed).at(-1)).toBe('CREATE EXTENSION IF NOT EXISTS "pg_trgm" SCHEMA public');
  });

  it("waits for a run that changes the server, and ends nobody's session", async () => {
    const scope = scopeWith({ waits: tenant("waits") });
    await provision(scope, server.access);
    const holder = await open(server.access.server, server.access.master, "postgres");
    await holder.query("select pg_advisory_lock($1)", [0x706c6174]);
    expect(await refusal(dryRun(scope, { ...server.access, patience: { deadlineMs: 300 } }))).toMatch(/another run holds the lock/);
    await close(holder);

    const { current } = await versionsOf(server.access.store, "test--waits");
    const intruder = await open(server.access.server, current, "postgres");
    await intruder.query("select pg_advisory_lock($1)", [0x706c6174]);
    expect(all(await dryRun(scope, server.access), "changes")).toEqual([]);
    expect((await intruder.query("select 1 as alive")).rows).toEqual([{ alive: 1 }]);
    await close(intruder);
  });
});
