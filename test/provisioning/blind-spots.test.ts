import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tenant } from "../../constructs/model/spec";
import { skillflaw } from "../../constructs/platforms/skillflaw/skillflaw";
import { withClient } from "../../constructs/provisioning/connect";
import { diagnose } from "../../constructs/provisioning/doctor";
import { diagnoseWear } from "../../constructs/provisioning/doctor-wear";
import { provision } from "../../constructs/provisioning/provision";
import { query, reload, scopeWith, singleUser, startServer, type TestServer, USUAL } from "../fixtures/server";
import { refusal, tenant, versionsOf } from "../fixtures/tenants";

/** A command at the end of a sentence: what a person pastes. */
const commandOf = (sentence: string | undefined): string =>
  /run[^:]*: ([A-Z].*)$|needs it: ([A-Z].*)$/
    .exec(sentence ?? "")
    ?.slice(1)
    .join("") ?? "";

const LOGIN = 'ROLE "ml_a"';
const THERE = `${LOGIN} IN DATABASE "ml"`;

describe("doctor", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    // As an administrator of a managed service has it, to create and drop replication slots.
    await server.stop();
    await singleUser(USUAL, server.options.directory, "alter role master replication");
    server = await server.restart({ parameters: { wal_level: "replica", max_wal_senders: 1, max_prepared_transactions: 1 } });
  }, 60_000);
  afterAll(() => server?.stop());

  const scopeOf = (its: Tenant) => scopeWith({ ml: its });
  const ml = tenant("ml");

  async function problems(its: Tenant = ml, change: Partial<TestServer["access"]> = {}): Promise<readonly string[]> {
    const checks = await diagnose("main", scopeOf(its), { ...server.access, ...change }, server.stranger.certificate);
    return checks.flatMap(({ subject, problem }) => (problem === null ? [] : [`${subject}: ${problem}`]));
  }

  /** Runs statements as the platform's owner, as `npm run sql` does. */
  async function asOwner(statements: string, database = "ml"): Promise<Record<string, unknown>[]> {
    const { current } = await versionsOf(server.access.store, "test--ml");
    return withClient(server.access.server, current, database, (client) => query(client, statements));
  }

  async function sound(its: Tenant = ml): Promise<void> {
    await provision(scopeOf(its), server.access);
    expect(await problems(its)).toEqual([]);
  }

  /** Breaks something, and expects the sentence, once for each login; then runs the command in it, and expects that all is well. */
  async function mends(broken: Promise<unknown>, sentences: readonly string[], mend: (command: string) => Promise<unknown>, its = ml) {
    await broken;
    const found = await problems(its);
    expect(found).toEqual(sentences);
    for (const command of new Set(found.map(commandOf))) {
      expect(command).not.toBe("");
      await mend(command);
    }
    expect(await problems(its)).toEqual([]);
  }

  /** The check of each of the two logins reports it. */
  const each = (sentence: string) => Array(2).fill(`ml: ${sentence}`);
  async function asSuperuser(command: string, database = "ml"): Promise<void> {
    await server.stop();
    await singleUser(USUAL, server.options.directory, command, database);
    server = await server.startAgain(server.options.port);
  }
  const asMaster = (command: string) => server.sql(command, "ml");

  it("sees a server's settings that break migrations or logins, and is content after they are gone", async () => {
    await sound();
    const parameters = {
      idle_session_timeout: 300,
      statement_timeout: "5min",
      search_path: "pg_catalog",
      session_replication_role: "replica",
      idle_in_transaction_session_timeout: "1d",
      temp_file_limit: "1MB",
    };
    const found = await withConfiguration(server, parameters, () => problems());
    const configuration = (to: string) =>
      `set it to ${to} in the server's configuration (in the spec: instances.main.parameters), and reload it`;
    expect([...found].sort()).toEqual([
      `instance main: idle_session_timeout is 300 ms, which terminates the idle sessions of pools, and sessions that hold a migration's lock; ${configuration("0")}`,
      `instance main: search_path is pg_catalog, which hides schema public; ${configuration('"$user", public')}`,
      `instance main: session_replication_role is replica, which disables triggers and foreign keys; ${configuration("origin")}`,
      `instance main: statement_timeout is 300000 ms, which cancels migrations that take longer; ${configuration("0")}`,
      `instance main: temp_file_limit is 1024 kB, which cancels migrations that sort much data; ${configuration("-1")}`,
    ]);
    expect(await problems()).toEqual([]);
  });

  it("takes a setting that the spec states for a decision, and notes what it does", async () => {
    await sound();
    const scope = scopeOf(ml);
    const { settings } = scope.instance;
    const stating = {
      ...scope,
      instance: { ...scope.instance, settings: { ...settings, parameters: { ...settings.parameters, statement_timeout: "5min" } } },
    };
    const checks = await withConfiguration(server, { statement_timeout: "5min" }, () =>
      diagnose("main", stating, server.access, server.stranger.certificate),
    );
    expect(checks.flatMap(({ problem }) => problem ?? [])).toEqual([]);
    expect(checks.flatMap(({ note }) => note ?? [])).toEqual([
      expect.stringMatching(/^statement_timeout is 300000 ms, which cancels migrations/),
    ]);
  });

  it("sees that nothing can be written, before it takes a standby for it", async () => {
    await sound();
    const said = await withConfiguration(server, { default_transaction_read_only: "on" }, () => refusal(problems()));
    expect(said).toContain(
      "the server is read-only, because default_transaction_read_only is on; set it to off in the server's configuration, or run: ALTER ROLE",
    );
  });

  it.each([
    ["transaction_timeout", "1000", "is 1000 ms, which terminates migrations that take longer", LOGIN],
    ["search_path", "pg_temp", "is pg_temp, which hides schema public", THERE],
    ["client_encoding", "LATIN1", "is LATIN1, which makes libpq's drivers fail on characters that it lacks, or return bytes", LOGIN],
    ["datestyle", "German, DMY", "is German, DMY, which makes drivers fail on dates that they read as text", LOGIN],
    ["extra_float_digits", "0", "is 0, which rounds numbers that drivers read as text", THERE],
    ["default_tablespace", "pg_global", "is pg_global, which rejects every new table", LOGIN],
  ])("sees %s on a login", async (name, value, says, reset) => {
    await sound();
    const sentence = `ml: ${name} ${says}; if nobody needs it, run as an administrator: ALTER ${reset} RESET ${name}`;
    await mends(server.sql(`alter ${reset} set ${name} = '${value}'`), [sentence], asMaster);
  });

  it("sees a schema of the owner's name, in which all tables would be made", async () => {
    await sound();
    const sentence =
      'schema ml_owner hides schema public in ml; run in that database as its owner: ALTER SCHEMA "ml_owner" RENAME TO "ml_owner_of_before"';
    await mends(asOwner("create schema ml_owner"), each(sentence), asOwner);
  });

  it.each<[string, (command: string) => Promise<unknown>, string, string]>([
    [
      "in a schema where the platform does not look",
      asMaster,
      "drop extension pg_trgm; create schema extensions; create extension pg_trgm schema extensions",
      'extension pg_trgm is in schema extensions of ml, where the platform does not look; if no table uses it (otherwise this fails), run in that database as its owner: DROP EXTENSION "pg_trgm"; CREATE EXTENSION "pg_trgm" SCHEMA public',
    ],
    [
      "in a schema that the platform may not use",
      asMaster,
      "revoke usage on schema public from public, pg_database_owner",
      'ml_owner may not use schema public of ml, which contains extension pg_trgm; run in that database as an administrator: GRANT USAGE ON SCHEMA "public" TO "ml_owner"',
    ],
    [
      "whose functions the platform may not call",
      asSuperuser,
      "revoke execute on function public.similarity(text, text) from public",
      'ml_owner may not call functions of extension pg_trgm in ml; run in that database as their owner, a superuser: GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "public" TO "ml_owner"',
    ],
  ])("sees an extension %s", async (_where, run, breaking, sentence) => {
    const its = tenant("ml", { databases: [{ name: "ml", extensions: ["pg_trgm"] }] });
    await sound(its);
    await mends(run(breaking), each(sentence), run, its);
  });

  it("sees tables of a former role, and hands them over with one command", async () => {
    await sound();
    await server.sql("create role former; grant former to current_user");
    await asMaster("grant all on schema public to former");
    const made = asMaster("set role former; create table public.one (id serial); create view public.two as select 1; reset role");
    const sentence =
      'public.one, public.two in ml belong to former; run in that database as an administrator: GRANT "former" TO CURRENT_USER; REASSIGN OWNED BY "former" TO "ml_owner"';
    await mends(made, each(sentence), asMaster);
    expect(await asOwner("select tableowner from pg_tables where tablename = 'one'")).toEqual([{ tableowner: "ml_owner" }]);
    await asMaster('drop table public.one; drop view public.two; drop owned by "former"; drop role former');
  });

  it("sees tables of an administrator, and hands over these only", async () => {
    await sound();
    const sentence =
      'public.a"b, public.c in ml belong to master; run in that database as an administrator: ALTER TABLE "public"."a""b" OWNER TO "ml_owner"; ALTER TABLE "public"."c" OWNER TO "ml_owner"';
    await mends(asMaster('create table public."a""b" (id int); create table public.c (id int)'), each(sentence), asMaster);
    await asOwner('drop table public."a""b"; drop table public.c');
  });

  it("sees types and functions of a former role, and names with line breaks, which a command can name, too", async () => {
    await sound();
    await asMaster(
      "create type public.state as enum ('a'); create function public.\"o\nne\"(a int) returns int language sql as 'select 1'",
    );
    const sentence =
      'public.o ne, public.state in ml belong to master; run in that database as an administrator: ALTER ROUTINE "public".U&"o\\+00000ane"(a integer) OWNER TO "ml_owner"; ALTER TYPE "public"."state" OWNER TO "ml_owner"';
    await mends(Promise.resolve(), each(sentence), asMaster);
    await asOwner('drop type public.state; drop function public."o\nne"(int)');
  });

  it.each<[string, string, string, string]>([
    [
      "an index whose build broke off",
      "create table public.a (id int); insert into public.a values (1), (1)",
      "create unique index concurrently a_id on public.a (id)",
      'ml: index a_id of a is invalid: the migration that built it was interrupted, and no query uses it; run in that database as its owner (if the index is unique, remove duplicates first): REINDEX INDEX public."a_id"',
    ],
    [
      "a column whose numbers end soon",
      "create table public.a (id serial)",
      "select setval('public.a_id_seq', 2000000000)",
      'ml: column id of a has used 80 % of its numbers, and rejects new rows after the last one; run in that database as its owner while the platform is stopped, also for columns that reference it: ALTER SEQUENCE public."a_id_seq" AS bigint MAXVALUE 9223372036854775807; ALTER TABLE public."a" ALTER COLUMN "id" TYPE bigint',
    ],
    [
      "a publication that rejects updates",
      "create table public.a (id int)",
      "create publication p for table public.a",
      'ml: publication p contains a, which has no primary key, so PostgreSQL rejects its updates; run in that database as its owner: ALTER TABLE public."a" REPLICA IDENTITY FULL',
    ],
  ])("sees %s", async (_what, make, spoil, sentence) => {
    await sound();
    await asOwner(make);
    const spoiled = asOwner(spoil).catch(() => asOwner("delete from public.a"));
    await mends(spoiled, [`ml: ${sentence}`], asOwner);
    await asOwner("drop publication if exists p; drop table public.a");
  });

  it("resets everything that a database sets for everybody with one command", async () => {
    await sound();
    const sentence =
      'ml: ml sets client_encoding to LATIN1, lock_timeout to 1 for everybody; if nobody needs it: ALTER DATABASE "ml" RESET client_encoding; ALTER DATABASE "ml" RESET lock_timeout';
    await mends(asOwner("alter database ml set client_encoding = 'LATIN1'; alter database ml set lock_timeout = 1"), [sentence], asOwner);
  });

  it("sees a password that ends, which provisioning makes endless", async () => {
    await sound();
    await server.sql("alter role ml_a valid until '2020-01-01'");
    expect(await problems()).toContain("ml: the password of login ml_a expires on 2020-01-01; run npm run provision");
    await sound();
  });

  it("does not advise to give a platform's role the rights of the master that works as it", async () => {
    await sound();
    await server.sql("alter role master in database postgres set role = ml_owner");
    const said = await refusal(problems());
    expect(said).toMatch(/work as ml_owner, which may not create roles and databases; run as an administrator: ALTER ROLE /);
    await asMaster(commandOf(said));
    expect(await problems()).toEqual([]);
  });

  it("sees a prepared transaction that nobody ends", async () => {
    await sound();
    await asOwner("begin; create table public.b (id int); prepare transaction 'it''s left'");
    const look = async () => {
      const { access } = server;
      const checks = await withClient(access.server, access.master, "postgres", (client) => diagnoseWear(client, "main", 0));
      return checks.flatMap(({ problem }) => problem ?? []);
    };
    const [sentence, ...others] = await look();
    expect([sentence, ...others]).toEqual([
      "prepared transaction it's left in ml keeps its locks; if its program is gone, run in that database as ml_owner: ROLLBACK PREPARED 'it''s left'",
    ]);
    expect(await problems()).toEqual([]);
    await asOwner(commandOf(sentence));
    expect(await look()).toEqual([]);
  });

  it("takes another name of UTF8 for what it is", async () => {
    await sound();
    await server.sql("alter role ml_a set client_encoding = 'UNICODE'");
    expect(await problems()).toEqual([]);
    await server.sql("alter role ml_a reset client_encoding");
  });

  it("sees a database whose removal was interrupted, which only dropping it mends", async () => {
    await sound();
    await asSuperuser("update pg_database set datconnlimit = -2, datfrozenxid = '3000000000' where datname = 'ml'", "postgres");
    const sentence =
      'database ml is invalid, because DROP DATABASE was interrupted; run as ml_owner, and restore a backup: DROP DATABASE "ml"';
    const found = await problems();
    expect(found).toContain(`ml: ${sentence}`);
    expect(found.filter((each) => /run npm run provision|transaction ID/.test(each))).toEqual([]);
    expect(await refusal(provision(scopeOf(ml), server.access))).toContain(sentence);
    await asOwner(commandOf(sentence), "postgres");
    await sound();
  });

  it("is not stopped by a table of the name that its own begin with", async () => {
    await sound();
    await asOwner("create table public.platform_postgres_doctor (id int)");
    expect(await problems()).toEqual([]);
    await asOwner("drop table public.platform_postgres_doctor");
  });

  it("sees an inactive replication slot and what it retains", async () => {
    await sound();
    await mends(
      server.sql("select pg_create_physical_replication_slot('gone', true)"),
      [
        expect.stringMatching(
          /^instance main: replication slot gone is inactive, and retains \d+ \w+ WAL; if its consumer is permanently gone, run as a role with REPLICATION \(rds_replication on RDS\): SELECT pg_drop_replication_slot\('gone'\)$/,
        ),
      ],
      asMaster,
    );
  });

  it("sees sorting rules that are no longer the server's, and old transaction IDs", async () => {
    await sound();
    await mends(
      asSuperuser("update pg_database set datcollversion = '1.0', datfrozenxid = '3000000000' where datname = 'ml'"),
      [
        expect.stringMatching(
          /^instance main: the oldest transaction ID of ml is 129\d million transactions old, and the server stops all changes at 2147 million; end the oldest transactions .* run in that database as its owner: VACUUM \(FREEZE\)$/,
        ),
        expect.stringMatching(
          /^ml: they were created with version 1\.0 of its collation, but the server has [\d.]+; run in that database as its owner, while the platform is stopped: REINDEX DATABASE "ml"; ALTER DATABASE "ml" REFRESH COLLATION VERSION$/,
        ),
      ],
      async (commands) => {
        // Neither may run in a transaction, which several statements at once are.
        for (const command of commands.split("; ")) await asOwner(command);
      },
    );
  });

  describe("for a platform that does not start with tables of others", () => {
    const { foreignTables } = skillflaw;
    const knowing = { foreignTables: () => foreignTables };
    const notes = async () =>
      (await diagnose("main", scopeOf(ml), { ...server.access, ...knowing }, server.stranger.certificate)).flatMap(
        ({ note }) => note ?? [],
      );
    const because =
      'SkillFlaw refuses to start with them ("remove_table"); give their program, such as a vector store, a separate database (docs/skillflaw.md), and run in that database as its owner: CREATE SCHEMA IF NOT EXISTS elsewhere; ';

    it("sees a vector store's tables, and any in a database that was never migrated", async () => {
      await sound();
      await asOwner('create table public.langchain_pg_embedding (id int); create table public."user" (id int)');
      const [problem] = await problems(ml, knowing);
      const move = 'ALTER TABLE public."langchain_pg_embedding" SET SCHEMA elsewhere';
      expect(problem).toBe(`ml: langchain_pg_embedding: tables of another program, and ${because}${move}`);
      await asOwner(commandOf(problem));
      expect(await problems(ml, knowing)).toEqual([]);
      await asOwner("create table public.documents (id int)");
      expect(await problems(ml, knowing)).toEqual([expect.stringContaining("documents: tables of another program")]);
    });

    it("notes other tables, which the platform itself may have made", async () => {
      await sound();
      await asOwner("create table if not exists public.documents (id int); create table public.alembic_version (version_num text)");
      expect(await problems(ml, knowing)).toEqual([]);
      expect(await notes()).toEqual([
        `documents: if another program created them, ${because}ALTER TABLE public."documents" SET SCHEMA elsewhere`,
      ]);
      await asOwner("drop table public.documents");
      expect(await notes()).toEqual([]);
      expect(await problems(ml)).toEqual([]);
    });
  });
});

/** Runs something while the server has further parameters in its configuration. */
async function withConfiguration<T>(
  its: TestServer,
  parameters: Readonly<Record<string, string | number>>,
  run: () => Promise<T>,
): Promise<T> {
  const file = join(its.server.directory, "data", "postgresql.conf");
  const before = readFileSync(file, "utf8");
  const lines = Object.entries(parameters).map(([name, value]) => `${name} = '${value}'`);
  try {
    writeFileSync(file, `${before}${lines.join("\n")}\n`);
    await reload(its);
    return await run();
  } finally {
    writeFileSync(file, before);
    await reload(its);
  }
}
