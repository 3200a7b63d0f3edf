import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAJOR_VERSIONS } from "../../constructs/model/instance";
import catalogue from "../../constructs/model/parameter-catalogue.json";
import { checkValue, findParameter, parameterNames, toPlainValue } from "../../constructs/model/parameters";
import { checkText } from "../../constructs/model/rules/parameter-texts";
import { withClient } from "../../constructs/provisioning/connect";
import { startServer, type TestServer } from "../fixtures/server";

describe("the catalogue of parameters", () => {
  it("defines no name twice for one version", () => {
    for (const major of MAJOR_VERSIONS) {
      const there = catalogue.filter(({ from = 0, to = 99 }) => major >= from && major <= to).map(({ name }) => name);
      expect(there).toEqual([...new Set(there)]);
      expect(parameterNames(major)).toEqual(there);
    }
  });

  it.each([
    ["work_mem", 15, true],
    ["DateStyle", 17, true],
    ["transaction_timeout", 16, false],
    ["transaction_timeout", 17, true],
    ["force_parallel_mode", 15, true],
    ["force_parallel_mode", 16, false],
    ["server_version", 17, false],
    ["wrok_mem", 17, false],
    ["constructor", 17, false],
    ["pg_stat_statements.track", 18, true],
    ["pg_stat_statements.tarck", 18, false],
    ["pgaudit.log_parameter_max_size", 15, false],
    ["pgaudit.log_parameter_max_size", 16, true],
    ["cron.database_name", 17, true],
  ] as const)("on whether %s is known in %i says %s", (name, major, known) => {
    expect(findParameter(name, major) !== null).toBe(known);
  });
});

/** Why PostgreSQL refuses a value of a parameter that it knows; null where it does not. */
function refusalOf(name: string, value: string | number | boolean, majorVersion: (typeof MAJOR_VERSIONS)[number]): string | null {
  const parameter = findParameter(name, majorVersion);
  if (parameter === null) throw new Error(`there is no ${name}`);
  return checkValue(parameter, value);
}

describe("a parameter's value", () => {
  it.each([
    ["max_connections", "none", "must be a whole number from 1 to 262143"],
    ["work_mem", "16mb", "must be a whole number from 64 to 2147483647 (in kB, or with a unit: B, kB, MB, GB, TB)"],
    ["shared_buffers", "1s", "must be a whole number from 16 to 1073741823 (in 8kB, or with a unit: B, kB, MB, GB, TB)"],
    ["statement_timeout", -1, "must be a whole number from 0 to 2147483647 (in ms, or with a unit: us, ms, s, min, h, d)"],
    ["vacuum_cost_delay", "1min", "must be a number from 0 to 100 (in ms, or with a unit: us, ms, s, min, h, d)"],
    ["random_page_cost", -1, "must be a number of at least 0"],
    ["jit", "maybe", "must be on or off"],
    ["wal_level", "full", "must be one of minimal, replica, logical"],
    ["log_connections", "all", "must be on or off"],
    ["search_path", "anything", null],
    ["wal_compression", "zstd", null],
  ] as const)("%s = %s: %s", (name, value, rule) => {
    expect(refusalOf(name, value, 17)).toBe(rule);
  });

  it("follows the version", () => {
    expect(refusalOf("log_connections", "receipt,authorization", 18)).toBe(null);
    expect(refusalOf("maintenance_work_mem", "64kB", 17)).toBe(null);
    expect(refusalOf("maintenance_work_mem", "64kB", 16)).toMatch(/^must be a whole number from 1024 /);
  });
});

/** Values that the two may read differently: units, blanks, fractions, C's numbers, beginnings of words. */
const WRITTEN: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  work_mem: [
    "16MB",
    "16 MB ",
    "16\u00a0MB",
    " 64 ",
    "16mb",
    "16KB",
    "100.25",
    "66.5",
    "30.1GB",
    "0x1000",
    "0100",
    "0800",
    "09",
    "1e3",
    "1e",
    "70000B",
    "4TB",
    63,
    "",
  ],
  temp_buffers: ["1000kB", "7MB", "800kB", "100"],
  statement_timeout: ["0", "10 min", "1.5h", "90000us", "400us", "25d", "-1", "1 hour", "1ms1", "1constructor", true],
  vacuum_cost_delay: ["1500us", "0.1s", "0.1005s", "2", "nan", "0x2"],
  random_page_cost: ["1.1", "010", "1.", ".5", "1e400", "1MB", "+2", "- 2"],
  geqo: ["on", "o", "of", "T", "tru", "yes!", "Y", "1", 0, "2", false],
  synchronous_commit: ["remote_apply", "REMOTE_WRITE", "constructor", "true", "1", "t", "no", "0", "of", true],
  client_min_messages: ["debug", "info", "debug6", "Notice"],
  default_transaction_isolation: ["Repeatable Read", "repeatable"],
};

/** Texts of which PostgreSQL knows the form. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  timezone: [
    "UTC",
    "europe/berlin",
    "Europe/Kiev",
    "US/Pacific",
    "EST5EDT",
    "UTC+2",
    "<+02>-2",
    "5",
    "-5.5",
    "+02:00",
    "CEST",
    "Mars/Phobos",
    "",
  ],
  datestyle: ["ISO", "iso, dmy", "German", "postgresql, european", "MDY", "ISO, SQL", "ISO DMY", "foo", "default", ""],
  client_encoding: ["UTF8", "utf-8", "Unicode", "latin 9", "WIN1252", "windows-1252", "sjis", "koi8r", "LATIN9X", "utf16", ""],
  search_path: ['"$user", public', "", " ", "a", "A , b", '"a""b"', "it's", "a b", "a,,b", ",a", "a,", '"open', 'a"b', '"a"b'],
  createrole_self_grant: ["", "set", "SET, inherit", "foo", "set,"],
  restrict_nonsystem_relation_kind: ["", "view, foreign-table", "foo"],
  temp_tablespaces: ["", "a,,b"],
  timezone_abbreviations: ["Default", "australia", "India", "foo", ""],
};

describe("PostgreSQL itself", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  it("has no parameter that the catalogue lacks", async () => {
    const rows = await server.sql("select name from pg_settings where context <> 'internal'");
    expect(rows.length).toBeGreaterThan(300);
    expect(rows.map(({ name }) => String(name)).filter((name) => findParameter(name, 17) === null)).toEqual([]);
  });

  it("takes and refuses the same texts", async () => {
    const ours: string[] = [];
    const theirs: string[] = [];
    await withClient(server.access.server, server.access.master, "postgres", async (client) => {
      for (const [name, value] of Object.entries(TEXTS).flatMap(([name, values]) => values.map((value) => [name, value] as const))) {
        const taken = await client.query("select set_config($1, $2, false)", [name, value]).catch(() => null);
        ours.push(`${name} = ${value}: ${checkText(name, value) === null ? "taken" : "refused"}`);
        theirs.push(`${name} = ${value}: ${taken === null ? "refused" : "taken"}`);
      }
    });
    expect(ours).toEqual(theirs);
  });

  it("takes and refuses the same values, and understands the same by them", async () => {
    const ours: string[] = [];
    const theirs: string[] = [];
    await withClient(server.access.server, server.access.master, "postgres", async (client) => {
      for (const [name, values] of Object.entries(WRITTEN)) {
        for (const value of values) {
          const parameter = findParameter(name, 17);
          if (parameter === null) throw new Error(`${name} is not in the catalogue`);
          ours.push(`${name} = ${value}: ${toPlainValue(parameter, value) ?? "refused"}`);
          const taken = await client.query("select set_config($1, $2, false)", [name, String(value)]).catch(() => null);
          const { rows } = await client.query("select setting from pg_settings where name = $1", [name]);
          theirs.push(`${name} = ${value}: ${taken === null ? "refused" : rows[0].setting}`);
        }
      }
    });
    expect(ours).toEqual(theirs);
    expect(theirs.filter((line) => line.endsWith("refused")).length).toBeGreaterThan(20);
  });
});
