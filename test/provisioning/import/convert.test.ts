import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, close } from "../../../constructs/provisioning/connect";
import type { Column } from "../../../constructs/provisioning/import/catalogue";
import { convert, isShown, type SqliteValue, takesBytes } from "../../../constructs/provisioning/import/convert";
import { openForCopy } from "../../../constructs/provisioning/import/postgres";
import { startServer, type TestServer } from "../../fixtures/server";

let server: TestServer;
let client: Client;
beforeAll(async () => {
  server = await startServer();
  client = await openForCopy(server.access.server, server.access.master, "postgres");
});
afterAll(async () => {
  if (client !== undefined) await close(client);
  await server?.stop();
});

const column = (type: string, change: Partial<Column> = {}): Column => ({
  name: "c",
  type,
  declared: type,
  modifier: -1,
  notNull: false,
  generated: false,
  labels: null,
  ...change,
});

/** As the program reads a text: its bytes. */
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What the server prints for a text of a type. */
async function printedBy(type: string, texts: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ text: string }>(
    `select (v::${type})::text as text from unnest($1::text[]) with ordinality each(v, at) order by at`,
    [texts],
  );
  return rows.map(({ text }) => text);
}

const SAMPLES = { numRuns: 400, seed: 22 };
const two = (number: number) => String(number).padStart(2, "0");

const moment = fc
  .tuple(
    fc.integer({ min: 1, max: 9998 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
    fc.nat(23),
    fc.nat(59),
    fc.nat(59),
    fc.option(fc.stringMatching(/^\d{1,6}$/)),
  )
  .map(([year, month, day, hours, minutes, seconds, fraction]) => {
    const time = `${two(hours)}:${two(minutes)}:${two(seconds)}${fraction === null ? "" : `.${fraction}`}`;
    return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)} ${time}`;
  });
const offset = fc.constantFrom("Z", "+00:00", "+02:00", "-0530", "+14", "-11:30");

const number = fc.oneof(
  fc.constantFrom(
    "0",
    "-0",
    "-0.00",
    "1.50",
    "1e2",
    "1.50e1",
    "1E-5",
    "-12.5e-3",
    "1e400",
    "0.1e+3",
    "123456789012345678901234567890.10",
    "9007199254740993",
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);
const json = fc.tuple(fc.json({ maxDepth: 3 }), fc.array(number, { maxLength: 4 })).map(
  // Keys of one length, keys that repeat, and escapes of all kinds.
  ([value, numbers]) =>
    `{"zz": [${numbers.join(", ")}], "b":${value}, "a" : "\\u00e4\\/\\b\\t\\u0001\\ud83d\\ude00", "b": null, "": {}, "ä": [], "__proto__": 1}`,
);

const floats = fc.oneof(
  fc.double({ noNaN: true }),
  // Their neighbours are so far apart that a shorter decimal lies between two.
  fc.integer({ min: 0, max: 10 ** 9 }).map((each) => 1.7e18 + each * 256),
  fc.integer({ min: 0, max: 10 ** 6 }).map((each) => 2 ** 54 + each * 4),
  fc.integer({ min: 53, max: 1000 }).map((each) => 2 ** each),
  fc.constantFrom(Number.NaN, 0, -0, 1e15, 1e14, 123456789012345.6, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 0.1, 1e22),
);

const singles = fc.oneof(
  fc.integer({ min: 2 ** 24, max: 2 ** 28 }).map(Math.fround),
  fc.integer({ min: -120, max: 127 }).map((each) => 2 ** each),
);

describe("convert writes what the server prints", () => {
  const same = (text: string) => text;
  const types: readonly (readonly [type: string, values: fc.Arbitrary<string>, cast: (text: string) => string])[] = [
    ["jsonb", json, same],
    ["numeric", number, same],
    ["timestamptz", moment, (text) => `${text}+00`],
    ["timestamptz", fc.tuple(moment, offset).map(([text, zone]) => `${text.replace(" ", "T")}${zone}`), same],
    ["timestamp", moment, same],
    ["uuid", fc.uuid().map((text) => text.replaceAll("-", "").toUpperCase()), same],
    ["date", moment.map((text) => text.slice(0, 10)), same],
    ["time", moment.map((text) => text.slice(11)), same],
    ["int8", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), same],
  ];
  it.each(types)("for %s", async (type, values, cast) => {
    const texts = fc.sample(values, SAMPLES);
    const converted = texts.map((text) => convert(type === "int8" ? BigInt(text) : bytes(text), column(type)));
    expect(converted).toEqual(await printedBy(type, texts.map(cast)));
  });

  it.each(["float8", "float4"])("for %s, which SQLite keeps as a number", async (type) => {
    const values = fc.sample(type === "float8" ? floats : fc.oneof(fc.float(), singles), SAMPLES);
    const converted = values.map((value) => convert(value, column(type)));
    expect(converted).toEqual(
      await printedBy(
        type,
        values.map((value) => (Object.is(value, -0) ? "-0" : String(value))),
      ),
    );
  });

  it("for intervals, which SQLAlchemy keeps as a moment after 1970-01-01", async () => {
    const texts = [
      ...fc.sample(moment, SAMPLES),
      "1970-01-01 00:00:03.889188",
      "1969-12-31 23:59:59.5",
      "1969-12-31 00:00:00",
      "1970-01-02 03:04:05",
    ];
    const converted = texts.map((text) => convert(bytes(text), column("interval")) ?? "");
    expect(await printedBy("interval", converted)).toEqual(converted);
    const epochs = async (expression: string, values: readonly string[]) =>
      (
        await client.query<{ epoch: string }>(
          `select extract(epoch from ${expression})::text as epoch from unnest($1::text[]) with ordinality x(v, at) order by at`,
          [values],
        )
      ).rows;
    expect(await epochs("v::interval", converted)).toEqual(await epochs("(v::timestamp - timestamp '1970-01-01')", texts));
  });

  it("for char and varchar, by characters", async () => {
    const texts = ["", "a", "äöü", "😀😀"];
    const [varchar, char] = [column("varchar", { modifier: 4 + 3 }), column("bpchar", { modifier: 4 + 3 })];
    expect(texts.map((text) => convert(bytes(text), varchar))).toEqual(texts);
    expect(texts.map((text) => convert(bytes(text), char))).toEqual(["   ", "a  ", "äöü", "😀😀 "]);
  });
});

describe("convert refuses what does not fit", () => {
  const rows: readonly (readonly [value: SqliteValue, of: Column, rule: string])[] = [
    [null, column("text", { notNull: true }), "must not be null"],
    [bytes("a\0b"), column("text"), "must not contain a NUL byte"],
    [Uint8Array.of(0x61, 0xff), column("text"), "must be UTF-8"],
    [bytes("x".repeat(9000)), column("varchar", { modifier: 8004 }), "must have at most 8000 characters"],
    [733412345678901234n, column("int4"), "must fit integer"],
    [40_000, column("int2"), "must fit smallint"],
    [2n ** 63n, column("int8"), "must fit bigint"],
    [1.5, column("int4"), "must be a whole number"],
    ["abc", column("int4"), "must be a whole number"],
    ["abc", column("float8"), "must be a number"],
    ["", column("float8"), "must be a number"],
    ["0x10", column("float8"), "must be a number"],
    ["1e400", column("float8"), "must fit double precision"],
    [1e300, column("float4"), "must fit real"],
    [2, column("bool"), "must be 0 or 1"],
    [bytes('{"a": NaN}'), column("json"), "must be JSON without NaN and Infinity"],
    [bytes("{'a': 1}"), column("jsonb"), "must be JSON"],
    [bytes('"\\u0000"'), column("jsonb"), "must not contain \\u0000"],
    [bytes('"\\ud83d"'), column("jsonb"), "must not contain half of a surrogate pair"],
    [bytes("1e200000"), column("jsonb"), "must fit numeric"],
    [bytes("12345"), column("uuid"), "must be a UUID"],
    ["sixteen letters.", column("uuid"), "must be a UUID"],
    [bytes("2026-02-30 00:00:00"), column("timestamp"), "must be a date and time, such as 2026-11-30 12:00:00.000000"],
    [1_700_000_000, column("timestamptz"), "must be a date and time, such as 2026-11-30 12:00:00.000000"],
    [bytes("2026-01-01 00:00:00.1234567"), column("timestamptz"), "must have at most 6 digits of a second"],
    [bytes("2026-01-01 00:00:00+02:00"), column("timestamp"), "must be in UTC: the column has no time zone"],
    [bytes("0001-01-01 00:00:00+02:00"), column("timestamptz"), "must be of the years 1 to 9999 in UTC"],
    [bytes("25:00:00"), column("time"), "must be a time, such as 12:00:00.000000"],
    [bytes("2026-13-01"), column("date"), "must be a date, such as 2026-11-30"],
    [bytes("OK"), column("status", { labels: ["ok", "error"] }), "must be one of ok, error"],
    [bytes("1.234"), column("numeric", { modifier: (5 << 16) + 2 + 4 }), "must fit numeric(5,2)"],
    [bytes("1"), column("tsvector", { declared: "tsvector" }), "must be converted to tsvector, which SQLite has no form for"],
  ];
  it.each(rows)("%s", (value, of, rule) => {
    expect(() => convert(value, of)).toThrow(rule);
  });

  it("for JSON that is nested more deeply than it can be compared", () => {
    const deep = bytes("[".repeat(20_000) + "]".repeat(20_000));
    expect(() => convert(deep, column("jsonb"))).toThrow("must be nested less deeply");
  });

  it("shows numbers and times in messages, and no text, which may be a secret", () => {
    expect(["int4", "float8", "timestamptz", "uuid", "interval"].filter((type) => !isShown(column(type)))).toEqual([]);
    expect(["text", "varchar", "json", "jsonb", "bytea"].filter((type) => isShown(column(type)))).toEqual([]);
  });
});

describe("convert takes", () => {
  it("JSON with a long text in it, such as a file", () => {
    const long = `{"a": "${"x".repeat(2 ** 24)}\\"1"}`;
    expect(convert(bytes(long), column("jsonb")) === long).toBe(true);
  });

  it("texts of 16 letters as texts, since only bytes are a UUID in binary form", () => {
    expect(takesBytes(column("uuid"))).toBe(false);
  });

  it.each<readonly [SqliteValue, Column, string | null]>([
    [null, column("text"), null],
    [1, column("bool"), "t"],
    [bytes("False"), column("bool"), "f"],
    [9_007_199_254_740_993n, column("int8"), "9007199254740993"],
    [Infinity, column("float8"), "Infinity"],
    ["nan", column("float8"), "NaN"],
    [7, column("jsonb"), "7"],
    [bytes('{"b":1}'), column("json"), '{"b":1}'],
    [bytes("1.5"), column("numeric", { modifier: (5 << 16) + 2 + 4 }), "1.50"],
    [Uint8Array.of(0, 255), column("bytea"), "\\x00ff"],
    [Uint8Array.from(Array.from({ length: 16 }, (_each, index) => index)), column("uuid"), "00010203-0405-0607-0809-0a0b0c0d0e0f"],
    [bytes("ok"), column("status", { labels: ["ok"] }), "ok"],
  ])("%s as %s", (value, of, text) => {
    expect(convert(value, of)).toBe(text);
  });
});
