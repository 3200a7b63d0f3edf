import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { binary2 } from "../../constructs/platforms/flyte/binary-2";
import { toYaml } from "../../infra/yaml";
import { DIRECT, localProcesses, wire } from "../contract/case";
import { cases } from "../fixtures/cases";

/** What YAML 1.1, 1.2, or both read as something else than the text that it is. */
const HOSTILE = [
  ...["yes", "no", "on", "off", "y", "n", "Y", "NO", "Off", "true", "null", "~", "", "=", "<<", "<<: *a"],
  ...["1_000", "0b1", "017", "0o17", "0x1F", "12:30:45", "190:20:30.15", "1e5", "1.", ".inf", "-.INF", ".NaN", "2001-01-01", "685_230.15"],
  ...["-", "- a", "?", ":", "a: b", "a #b", "#a", "&a", "*a", "!a", "%a", "@a", "`a", "'a", '"a', "{a", "[a", ",", "|", ">", "---", "..."],
  ...["a\nb", "a\n", "\n", "a\n---\nb", "\r", "a\r\nb", "\ta", " a ", "\\", "a\u0085b", "a\n\u0085", "a\u2028b", "a\u2029b", "\ufeffa"],
  ...["\u0000", "\u001b[31m", "{{ .Values.x }}", "$(A)", "🙂"],
];

const PARSERS = ["1.1", "1.2"] as const;

/** What each parser reads. Of YAML 1.1 with merges, as Helm reads it. */
const read = (text: string, version: (typeof PARSERS)[number]): readonly unknown[] =>
  parseAllDocuments(text, { version, merge: version === "1.1", logLevel: "error" }).map((document) => document.toJS());

/** The characters that end a line in YAML 1.1: none may stand in a text as it is, and a parser of 1.2 would not notice. */
const LINES_OF_1_1 = /[\u0085\u2028\u2029\ufeff]/;

describe("toYaml", () => {
  it.each(HOSTILE)("writes %j so that both YAML 1.1 and 1.2 read it, as a value and as a key", (text) => {
    const objects = [{ a: text, b: [text, { [text]: text }] }, { [text]: { [text]: "x" } }];
    const written = toYaml(objects);
    for (const version of PARSERS) expect(read(written, version)).toEqual(objects);
    expect(written).not.toMatch(LINES_OF_1_1);
    expect(written).not.toMatch(/[:-] =\n/);
  });

  it("keeps a first line of blanks, below an empty key, too", () => {
    for (const text of [" \n", "\t\n", "\n \n", " \nx"])
      for (const version of PARSERS) expect(read(toYaml([{ "": [text] }]), version)).toEqual([{ "": [text] }]);
  });

  it("does so for any text", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(..."\u0085\u2028\n\t -_:.#0123456789eybno'\"{}[]<=&*!|>%@"),
        fc.string({ minLength: 1, maxLength: 1 }),
      ),
    });
    void fc.assert(
      fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text), fc.integer(), fc.boolean(), fc.constant(null))), (object) => {
        const plain = JSON.parse(JSON.stringify(object));
        for (const version of PARSERS) expect(read(toYaml([plain]), version)).toEqual([plain]);
      }),
    );
  });

  it("quotes no more than it has to, and drops what is undefined", () => {
    expect(toYaml([{ a: "1e5", b: "null", c: "yes: no", d: undefined, e: "12345678", f: "text" }, { f: [] }])).toBe(
      'a: "1e5"\nb: "null"\nc: "yes: no"\ne: "12345678"\nf: text\n---\nf: []\n',
    );
  });
});

describe("files that are written by hand", () => {
  const written = cases
    .filter(({ name }) => name === "flyte")
    .flatMap((each) => localProcesses(wire(each, DIRECT)).flatMap(({ files }) => Object.entries(files)));

  it("read alike by YAML 1.1 and 1.2", () => {
    const yaml = written.filter(([path]) => path.endsWith(".yaml"));
    expect(yaml.length).toBeGreaterThan(0);
    for (const [, content] of yaml) expect(read(content, "1.1")).toEqual(read(content, "1.2"));
  });

  it("keep a database's name a text", () => {
    const wired = wire(cases.find(({ title }) => title === "Flyte 2") as (typeof cases)[number], DIRECT);
    const connection = { ...wired.connection, host: "on", databases: { main: "no" } };
    const text = binary2.files(connection, { maxOpenConnections: 2, connMaxLifeTime: "30m" } as never)["config.yaml"] ?? [];
    const [config] = read(text.filter((part) => typeof part === "string").join(""), "1.1");
    expect(config).toMatchObject({ runs: { database: { postgres: { host: "on", dbname: "no" } } } });
  });
});
