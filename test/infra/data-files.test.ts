import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { UserError } from "../../constructs/model/errors";
import { readDataFile } from "../../infra/data-files";
import { findJsonFault } from "../../infra/json-text";

const folder = mkdtempSync(join(tmpdir(), "platform-postgres-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (ending: string, content: string): unknown => {
  const path = join(folder, `file.${ending}`);
  writeFileSync(path, content);
  return readDataFile("file", path);
};

/** The message that a file is refused with, or its data. */
function outcome(ending: string, content: string): unknown {
  try {
    return read(ending, content);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("a file of data", () => {
  it("gives what JSON would give, from JSON and from YAML, for arbitrary data", () => {
    const data = fc
      .object({ withNullPrototype: false, key: fc.string().filter((key) => key !== "<<") })
      .map((each) => JSON.parse(JSON.stringify(each)) as unknown);
    void fc.assert(
      fc.property(data, (value) => {
        expect(read("json", JSON.stringify(value, null, "\t"))).toEqual(value);
        expect(read("yaml", stringify(value))).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  it("accepts as JSON exactly what JSON.parse accepts and has no key twice", () => {
    const piece = fc.constantFrom(...'{}[],:0-.eE+x/ \n\t"\\', "true", "null", '"a"', '"a":', "12", '"\\u0061"', "//", "\u0001", "NaN");
    const fragments = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    void fc.assert(
      fc.property(fragments, (text) => {
        const fault = findJsonFault(text);
        expect(fault === null || fault.rule === "this key appears twice in one object").toBe(isJson(text));
      }),
      { numRuns: 3_000 },
    );
    void fc.assert(
      fc.property(fc.json(), (text) => {
        expect(findJsonFault(text)).toBeNull();
      }),
    );
  });

  it.each([
    ["dates and words stay texts", "a: 2026-11-30\nb: [yes, on, y, 1_000]", { a: "2026-11-30", b: ["yes", "on", "y", "1_000"] }],
    ["a directive changes nothing", "%YAML 1.1\n---\na: 2026-11-30\nb: no", { a: "2026-11-30", b: "no" }],
    [
      "numbers, truth values and null",
      "a: [5, -1, 0.5, 1e3]\nb: true\nc: null\nd:\n",
      { a: [5, -1, 0.5, 1000], b: true, c: null, d: null },
    ],
    ["anchors", "a: &x { b: 1 }\nc: *x\n", { a: { b: 1 }, c: { b: 1 } }],
    ["keys are texts", "1: a\ntrue: b\n", { 1: "a", true: "b" }],
    ["an inherited name", "__proto__: 5\n", JSON.parse('{ "__proto__": 5 }')],
  ])("reads YAML 1.2: %s", (_what, text, value) => {
    expect(read("yaml", text)).toEqual(value);
  });

  it("may begin with a byte order mark, and JSON may name its schema", () => {
    expect(read("json", '\ufeff{ "$schema": "environment.json", "a": 1 }')).toEqual({ a: 1 });
    expect(read("yml", "\ufeffa: 1")).toEqual({ a: 1 });
    expect(read("json", '{ "$schema": 5 }')).toEqual({ $schema: 5 });
    expect(read("yaml", "$schema: environment.json")).toEqual({ $schema: "environment.json" });
  });

  it.each([
    ["yaml", "a: 1\nb:\n  c: 1\n  c: 2\n", "4:3: this key appears twice in one object"],
    ["yaml", '1: a\n"1": b\n', "2:1: this key appears twice in one object"],
    ["yaml", "account: 012345678901\n", "1:10: other programs read this number differently; write it in quotes, or in decimal digits"],
    ["yaml", "a: 0x10\n", "1:4: other programs read this number differently; write it in quotes, or in decimal digits"],
    ["yaml", "a: &x {}\nb:\n  <<: *x\n", "3:3: YAML 1.2 has no merge keys; write the keys out, or an alias for the whole value"],
    ["yaml", "a: *x\n", "1:4: this alias needs an earlier anchor of the same name"],
    ["yaml", "a: &x [*x]\n", "1:8: this alias is inside its own anchor"],
    ["yaml", "a: 1\n---\nb: 1\n", "2:1: a file must contain one environment; remove this second document"],
    ["yaml", "a: !!binary aGk=\n", "1:4: tags are not supported; remove it"],
    ["yaml", "? [a]\n: b\n", "1:3: a key must be a text"],
    ["yaml", "a:\n\tb: 1\n", "2:1: tabs are not allowed as indentation"],
    ["yaml", 'a: hunter2: "hunter2" hunter2\n', "1:4: nested mappings are not allowed in compact mappings"],
    [
      "yaml",
      `a: &a [${"x, ".repeat(20)}]\nb: &b [${"*a, ".repeat(20)}]\nc: [${"*b, ".repeat(20)}]`,
      "1:1: has too many levels or too many aliases",
    ],
    ["json", '{ "a": 1, "\\u0061": 2 }', "1:11: this key appears twice in one object"],
    ["json", '{\n  // why\n  "a": 1\n}', "2:3: JSON has no comments; write the file as YAML or TypeScript"],
    ["json", '{ "a": hunter2 }', "1:8: expected a value; write texts in double quotes"],
    ["json", '{ "a": [1 2] }', "1:11: expected a comma or ]"],
    ["json", '{ "a" 1 }', "1:7: expected a colon"],
    ["json", "{} {}", "1:4: expected the end of the file"],
    ["json", "", "1:1: expected a value; write texts in double quotes"],
    ["json", "[".repeat(3_000), "1:202: more than 200 levels"],
  ])("rejects %s %j by line and column, without showing its content", (ending, text, message) => {
    expect(outcome(ending, text)).toBe(`file:${message}`);
  });

  it("that cannot be read is refused without its path on this machine", () => {
    expect(() => readDataFile("file.yaml", folder)).toThrow(new UserError("file.yaml cannot be read (EISDIR)"));
  });
});
