import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { completeImport } from "../../../constructs/model/imports";
import { close } from "../../../constructs/provisioning/connect";
import { explainLoss, openForCopy, openPostgres } from "../../../constructs/provisioning/import/postgres";
import { openSqlite } from "../../../constructs/provisioning/import/sqlite";
import { expectCopied } from "../../fixtures/moved";
import { FACTS, FILE, FLOW, Mover, SCHEMA, SQLITE } from "../../fixtures/mover";
import { INHERITING, LATE, NUMBERED, type OddTables, REVEALING } from "../../fixtures/odd-tables";
import { startServer, type TestServer } from "../../fixtures/server";
import { setWalMode, writeSqlite } from "../../fixtures/sqlite";

let directory: string;
let server: TestServer;
let mover: Mover;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "platform-postgres-test-import-"));
  server = await startServer();
  mover = await Mover.create(server, "mover");
});
afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});
afterEach(() => mover.sql("truncate flow, run, experiment, tag, numbered restart identity; update written set n = 0"));

/** A new file each time. @param more statements after the usual ones. */
let files = 0;
function file(more = "", statements = FILE): string {
  const path = join(directory, `mover-${files++}.db`);
  writeSqlite(path, statements + more);
  return path;
}
const fromFile = (more = "", statements = FILE) => {
  const path = file(more, statements);
  return () => openSqlite(path, null);
};

/** Runs an import that must be refused, and returns why; the database must be as it was. */
async function refusal(run: () => Promise<unknown>): Promise<string> {
  const before = await mover.hash();
  const why = await run().then(
    () => "imported",
    (error: Error) => error.message,
  );
  expect(await mover.hash()).toBe(before);
  return why;
}

describe("an import from SQLite", () => {
  it("copies every type, cycles of keys, and leaves keys, triggers and sequences as they have to be", async () => {
    const keys = await mover.hash().then((hash) => JSON.parse(hash).keys);
    const { comparison, copied } = await mover.import(fromFile());
    await expectCopied(mover);
    expect(JSON.parse(await mover.hash())).toMatchObject({ keys, triggers: "countingO" });
    // AUTOINCREMENT never gives 41 again.
    expect(await mover.sql("insert into experiment (name) values ('next') returning id")).toEqual([{ id: 42 }]);
    expect(await mover.sql("insert into numbered (v) values ('next') returning id")).toEqual([{ id: 10 }]);
    expect(await mover.sql("select n from written")).toEqual([{ n: 18 }]);
    expect(comparison.notes).toEqual([
      expect.stringMatching(/^mover-\d+\.db: tables of other programs are left behind: theirs \(2 rows\)$/),
    ]);
    expect(copied.locations).toEqual([
      { column: "experiment.place", scheme: "path", rows: 1 },
      { column: "experiment.place", scheme: "s3", rows: 1 },
    ]);
    expect(Object.fromEntries(copied.tables.map(({ table, rows }) => [table, rows]))).toEqual({
      experiment: 2,
      flow: 1,
      numbered: 1,
      run: 2,
      tag: 2,
      written: 1,
    });
  });

  it("replaces what is there only if it is told to", async () => {
    await mover.import(fromFile());
    expect(await refusal(() => mover.import(fromFile()))).toBe(
      "database mover already has rows (experiment 2, flow 1, numbered 1, run 2, tag 2); add --replace to delete what is there",
    );
    await mover.import(fromFile("delete from tag; delete from experiment where id = 5;"), { replace: true });
    expect(await mover.sql("select id from experiment")).toEqual([{ id: 3 }]);
  });

  it("keeps nothing of a rehearsal", async () => {
    const before = await mover.hash();
    const { copied } = await mover.import(fromFile(), { dryRun: true });
    expect(copied.tables.length).toBe(6);
    expect(await mover.hash()).toBe(before);
  });

  it("removes the copy that a killed import has left, and no other's", async () => {
    const ended = spawnSync(process.execPath, ["-e", ""]).pid;
    const left = [ended, process.pid].map((pid) => mkdtempSync(join(tmpdir(), `platform-postgres-import-${pid}-`)));
    for (const each of left) writeFileSync(join(each, "copy.db"), "rows");
    await (await openSqlite(file(), null)).close();
    expect(left.map((each) => existsSync(each))).toEqual([false, true]);
    rmSync(left[1] ?? "", { recursive: true });
  });

  it("reads a file in WAL mode whose log is empty, and refuses one whose log is not", async () => {
    const path = file();
    setWalMode(path, readFileSync(path));
    writeFileSync(`${path}-wal`, "");
    await mover.import(() => openSqlite(path, null));
    await expectCopied(mover);
    await mover.sql("truncate flow, run, experiment, tag, numbered; update written set n = 0");
    for (const ending of ["-wal", "-journal"]) {
      writeFileSync(`${path}${ending}`, "changes");
      expect(await refusal(() => mover.import(() => openSqlite(path, null)))).toMatch(
        /^(mover-\d+\.db)-(wal|journal) holds changes that are not in \1; stop what writes to it, then run: python3 -c "import sqlite3; sqlite3\.connect\('.*\1'\)\.execute\('pragma wal_checkpoint\(truncate\)'\)"$/,
      );
      rmSync(`${path}${ending}`);
    }
  });

  it("reports all rows that do not fit together, and shows no text, which may be a secret", async () => {
    const more = `
      insert into numbered values (10, cast(x'610062' as text)), (11, cast(x'61ff' as text)), (733412345678901234, 'x');
      update experiment set data = '{"a": NaN}', code = 'canary' where id = 3;
      update flow set name = printf('%.9000c', 'x'), created = null;
      update run set seconds = 'abc', state = 'OK', at = '2026-01-01 00:00:00+02:00' where state = 'ok';
      insert into tag values ('k', 99);`;
    const why = (await refusal(() => mover.import(fromFile(more)))).replaceAll(/mover-\d+/g, "mover");
    expect(why.split("\n").sort()).toEqual([
      "experiment.code: must have at most 4 characters, got 1 row such as row 1 of the table; correct it in a copy of mover.db",
      "experiment.data: must be JSON without NaN and Infinity, got 1 row such as row 1 of the table; correct it in a copy of mover.db",
      "flow.created: must not be null, got 1 row such as row 1 of the table; correct it in a copy of mover.db",
      "flow.name: must have at most 20 characters, got 1 row such as row 1 of the table; correct it in a copy of mover.db",
      "numbered.id: must fit integer, got 1 row such as 733412345678901234; add --renumber: its IDs are long",
      "numbered.v: must be UTF-8, got 1 row such as row 3 of the table; correct it in a copy of mover.db",
      "numbered.v: must not contain a NUL byte, got 1 row such as row 2 of the table; correct it in a copy of mover.db",
      "run.at: must be in UTC: the column has no time zone, got 1 row such as 2026-01-01 00:00:00+02:00; correct it in a copy of mover.db",
      "run.seconds: must be a number, got 1 row such as abc; correct it in a copy of mover.db",
      "run.state: must be one of ok, error, got 1 row such as OK; correct it in a copy of mover.db",
    ]);
  });

  it("reports rows that PostgreSQL refuses, and orphans of the other tables", async () => {
    const more = "insert into experiment (name) values ('a'); update flow set run_id = '99999999999999999999999999999999';";
    expect((await refusal(() => mover.import(fromFile(more)))).split("\n")).toEqual([
      'experiment: PostgreSQL rejects it, in row 3 (duplicate key value violates unique constraint "experiment_name_key"); correct it in a copy',
      "flow.run_id: must be in run, got 1 row such as 99999999-9999-9999-9999-999999999999; with --without-orphans they are emptied",
    ]);
  });

  it("keeps nothing if PostgreSQL stores other rows than were sent, as where it rounds", async () => {
    await mover.sql("alter table run alter at type timestamp(0)");
    const why = await refusal(() => mover.import(fromFile("update run set at = '2026-01-01 00:00:00.75' where state = 'ok';")));
    await mover.sql("alter table run alter at type timestamp");
    expect(why).toBe("run: PostgreSQL stored other rows than were sent; please report it, with the types of the columns");
  });

  it("leaves out or empties orphans, as ON DELETE says, however they hang together", async () => {
    const more = `insert into tag values ('k', 99); update flow set run_id = '99999999999999999999999999999999';
      insert into run (id, flow_id) values ('44444444444444444444444444444444', '99999999999999999999999999999999');
      insert into run (id, flow_id, parent_id) values ('55555555555555555555555555555555', '${FLOW}', '44444444444444444444444444444444');`;
    const { copied } = await mover.import(fromFile(more), { withoutOrphans: true });
    expect(copied.orphans.map(({ table, columns, rows, fate }) => `${table}.${columns}: ${rows} ${fate}`).sort()).toEqual([
      "flow.run_id: 1 emptied",
      "run.flow_id: 1 left out",
      "run.parent_id: 1 emptied",
      "tag.experiment_id: 1 left out",
    ]);
    expect(await mover.sql("select id, parent_id from run order by id offset 2")).toEqual([
      { id: "55555555-5555-5555-5555-555555555555", parent_id: null },
    ]);
    expect(await mover.sql("select run_id from flow")).toEqual([{ run_id: null }]);
    expect(await mover.sql("select count(*)::int from tag")).toEqual([{ count: 2 }]);
  });

  it("gives numbers that are too large new ones, wherever they stand", async () => {
    const path = file(
      "insert into experiment (id, name) values (733412345678901234, 'big'), (537893831058501672, 'bigger'); insert into tag values ('big', 733412345678901234);",
    );
    const { renumbered } = await mover.import(() => openSqlite(path, FACTS.renumbered));
    expect(Object.fromEntries(renumbered)).toEqual({ "537893831058501672": "6", "733412345678901234": "7" });
    expect(await mover.sql("select e.name, e.id from tag t join experiment e on e.id = t.experiment_id where key = 'big'")).toEqual([
      { name: "big", id: 7 },
    ]);
  });

  it("refuses before it reads a row, all at once", async () => {
    const why = await refusal(() =>
      mover.import(
        fromFile(
          "",
          FILE.replace("rev-2", "rev-1")
            .replace("created datetime, ", "")
            .replace("'2026-11-30 12:00:00.000001', ", "")
            .replace("numbered (id", "numbered (extra text, id")
            .replace("(9, 'x')", "('e', 9, 'x')"),
        ),
      ),
    );
    expect(why.split("\n").map((line) => line.replaceAll(/mover-\d+/g, "mover"))).toEqual([
      "mover.db is at revision rev-1, database mover at rev-2; bring a copy up to date",
      "mover.db has tables that database mover lacks: theirs (2 rows); create them in it first, or move them to another schema",
      "flow.created is missing in mover.db; import from a source of the same version",
      "numbered.extra is missing in database mover; migrate both to the same version",
    ]);
  });

  it("imports from another revision only if told to, and then only equal tables", async () => {
    const other = FILE.replace("rev-2", "rev-9");
    const facts = completeImport({ ...FACTS, sqlite: { ...SQLITE, revisions: { "rev-3": "rev-9" } } });
    expect(await refusal(() => mover.import(fromFile("", other), {}, { facts }))).toContain(
      "whether the two fit is not known; if both are of one version, add --other-revision",
    );
    expect(await refusal(() => mover.import(fromFile("", other), { otherRevision: true }, { facts }))).toContain("theirs (2 rows)");
    await mover.import(fromFile("drop table theirs;", other), { otherRevision: true }, { facts });
    await expectCopied(mover);
  });

  it("leaves no table behind without being told what belongs to a platform that notes no revision", async () => {
    const without = "drop table alembic_version; alter table theirs rename to alembic_version;";
    expect(await refusal(() => mover.import(fromFile(), {}, { revision: null }))).toMatch(
      /^mover-\d+\.db has tables that database mover lacks: theirs \(2 rows\)/,
    );
    expect(await refusal(() => mover.import(fromFile(without), {}, { revision: null }))).toContain(
      "alembic_version.version_num is missing in mover",
    );
  });

  it("knows the revision of a platform that has one for each database", async () => {
    const facts = completeImport({ ...FACTS, sqlite: { ...SQLITE, revisions: { "rev-2": "lite-2" } } });
    await mover.import(fromFile("", FILE.replace("rev-2", "lite-2")), {}, { facts });
    await expectCopied(mover);
  });

  it("refuses a file that is changed meanwhile, and rows that come meanwhile", async () => {
    const path = file();
    expect(
      await refusal(() =>
        mover.import(
          () => openSqlite(path, null),
          {},
          {},
          async () => utimesSync(path, new Date(), new Date()),
        ),
      ),
    ).toBe("changed");
    const why = await mover
      .import(fromFile(), {}, {}, async () => void (await mover.sql("insert into numbered (v) values ('late')")))
      .catch((error: Error) => error.message);
    expect(why).toBe("database mover: numbered has changed since it was looked at; stop the platform, and run this again");
    expect(await mover.sql("select v from numbered")).toEqual([{ v: "late" }]);
  });

  it("refuses while the platform is connected, and while it has no tables", async () => {
    const session = await openForCopy(server.access.server, mover.credential, "mover");
    expect(await refusal(() => mover.import(fromFile()))).toBe("database mover: 1 session is open in it; stop it");
    await close(session);
    const empty = await Mover.create(server, "empty", "");
    await expect(empty.import(fromFile())).rejects.toThrow("database empty has no tables yet; let it migrate");
  });

  it.each<readonly [what: string, bytes: (whole: Buffer) => Buffer, why: RegExp]>([
    ["a text file", () => Buffer.from("hello"), /is not a SQLite database; correct --from$/],
    ["UTF-16", (whole) => Buffer.from(whole.fill(2, 59, 60)), /must be encoded in UTF-8, got UTF-16/],
    ["a damaged file", (whole) => whole.fill(7, 4096, 9000), /cannot be read \(.*\); take a backup of it that is whole$/],
    [
      "a file that only a check finds damaged",
      (whole) => Buffer.concat([whole.subarray(0, 36), Buffer.of(0, 0, 0, 5), whole.subarray(40)]),
      /cannot be read \(.*\); take a backup of it that is whole$/,
    ],
    ["a file that is cut", (whole) => whole.subarray(0, 10_000), /cannot be read \(.*\); take a backup of it that is whole$/],
  ])("refuses %s", async (_what, change, why) => {
    const path = file();
    writeFileSync(path, change(readFileSync(path)));
    expect(await refusal(() => mover.import(() => openSqlite(path, null)))).toMatch(why);
  });
});

describe("an import into tables of unusual kinds", () => {
  let odd: Mover;
  beforeAll(async () => {
    odd = await Mover.create(server, "odd", "");
  });
  const intoOdd = async ({ schema, file }: OddTables) => {
    await odd.sql(`drop schema if exists archive cascade; drop schema public cascade; create schema public; ${schema}`);
    return odd.import(fromFile("", file), {}, { revision: null });
  };
  const refusalOf = (tables: OddTables) => intoOdd(tables).catch((error: Error) => error.message);

  it("continues sequences after the numbers that they can have given", async () => {
    await intoOdd(NUMBERED);
    const next =
      "select nextval('zero_id_seq') as zero, nextval('narrow') as wide, nextval('down') as falling, nextval('label') as labelled";
    expect(await odd.sql(next)).toEqual([{ zero: "1", wide: "6", falling: "-4", labelled: "1" }]);
  });

  it("leaves rows of tables that inherit, comments on keys, and what triggers of partitions write", async () => {
    await intoOdd(INHERITING);
    const found =
      "(select count(*)::int from archive.child) as rows, (select tgenabled from pg_trigger where tgname = 'noting') as trigger";
    expect(await odd.sql(`select obj_description(oid) as comment, ${found} from pg_constraint where conname = 'refers_key'`)).toEqual([
      { comment: "it's", rows: 2, trigger: "O" },
    ]);
  });

  it("writes where a database is read-only by default, and names the table that breaks a rule which is checked late", async () => {
    const why = await refusalOf(LATE);
    await odd.sql("begin read write; alter database odd reset all; commit");
    expect(why).toBe('late: PostgreSQL rejects it (duplicate key value violates unique constraint "late_key"); correct it in a copy');
  });

  it.each(REVEALING)("shows no value that PostgreSQL names, after %s", async (more, why) => {
    const file = "create table t (v text); insert into t values ('canary');";
    expect(await refusalOf({ schema: `create table t (v text); ${more}`, file })).toBe(why);
  });
});

/** A source by another owner, in another version. */
describe("an import from PostgreSQL", () => {
  const from =
    (its: Mover, change: Partial<Parameters<typeof openPostgres>[0]> = {}) =>
    () =>
      openPostgres({ server: server.access.server, credential: its.credential, database: its.name, ...change });

  it("copies a database of another owner, with its sequences", async () => {
    const source = await Mover.create(server, "source");
    await source.import(fromFile());
    await source.sql("select nextval('experiment_id_seq'); alter table run disable trigger user");
    await mover.import(from(source));
    await expectCopied(mover);
    expect((await mover.hash()).replaceAll("mover", "")).toBe((await source.hash()).replaceAll("source", ""));
    expect(await mover.sql("insert into experiment (name) values ('next') returning id")).toEqual([{ id: 43 }]);
  });

  it("refuses rows that its tables do not let in, types that differ, and tables that it may not read", async () => {
    const source = await Mover.create(
      server,
      "loose",
      `${SCHEMA} alter table tag drop constraint tag_experiment_id_fkey; insert into tag values ('k', 99)`,
    );
    expect(await refusal(() => mover.import(from(source)))).toContain("tag.experiment_id: must be in experiment, got 1 row such as 99");
    await source.sql("alter table numbered alter v type jsonb using null; create schema elsewhere; create table elsewhere.t (); ");
    expect(await refusal(() => mover.import(from(source)))).toMatch(
      /^numbered\.v is jsonb in database loose on localhost:\d+, and text in database mover; migrate both to the same version$/,
    );
    const reader = { username: "reader", password: "reader" };
    await server.sql("create role reader login password 'reader'; grant connect on database loose to reader");
    expect(await refusal(() => mover.import(from(source, { credential: reader })))).toContain(
      "this login may not read alembic_version, experiment, flow",
    );
  });

  it("sees changes that come while it copies, and rehearses on a server in use", async () => {
    const source = await Mover.create(server, "busy");
    await source.import(fromFile());
    const change = async () => void (await source.sql("update numbered set v = 'changed'"));
    expect(await refusal(() => mover.import(from(source), {}, {}, change))).toBe("changed");
    // What others write elsewhere does not count.
    const elsewhere = async () => void (await server.sql("create role elsewhere"));
    const session = await openForCopy(server.access.server, source.credential, "busy");
    expect(await refusal(() => mover.import(from(source), {}, {}, elsewhere))).toMatch(
      /^database busy on .*: 1 session is open in it; stop what uses it, or add --dry-run$/,
    );
    await mover.import(from(source), { dryRun: true }, {}, elsewhere);
    await close(session);
  });

  it("names the server whose session has ended", async () => {
    const source = await Mover.create(server, "alive", `${SCHEMA} insert into written select generate_series(1, 300000)`);
    await mover.sql(`create function ending() returns boolean language plpgsql as $$ begin raise 'ended' using errcode = '57P01'; end $$;
      alter table written add constraint ending check (ending()) not valid`);
    const ended = await mover.import(from(source)).catch((error: unknown) => error);
    await mover.sql("alter table written drop constraint ending; drop function ending");
    const attempt = { host: "here", port: 5432, username: "me", database: "mover" };
    expect(explainLoss(ended, attempt)).toMatchObject({ message: "here:5432, database mover, as me: ended (57P01)" });
  });

  it("verifies the source's certificate, and says what is wrong with the way to it", async () => {
    const { host, port } = server.access.server;
    const wrong = { host, port, tls: { mode: "verify-full" as const, ca: server.stranger.certificate } };
    expect(await refusal(() => mover.import(from(mover, { server: wrong })))).toContain(
      "is not signed by the given CA; give the CA of this server",
    );
    const credential = { ...mover.credential, password: "wrong-canary" };
    const refused = await refusal(() => mover.import(from(mover, { credential })));
    expect(refused).toContain("rejects the password of mover_");
    expect(refused).not.toContain("canary");
    const none = { ...credential, password: "" };
    expect(await refusal(() => mover.import(from(mover, { credential: none })))).toContain("put the correct one into IMPORT_PASSWORD");
    expect(await refusal(() => mover.import(from(mover, { database: "nowhere" })))).toContain("has no database nowhere; correct --from");
  });
});
