import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import { collision, leafPaths, mergeValues, type Path, showPath } from "../../constructs/model/values";

const plain = fc.dictionary(
  fc.constantFrom("a", "b", "c.d", "e[f"),
  fc.oneof(fc.integer(), fc.constant(null), fc.dictionary(fc.constantFrom("x", "y"), fc.string())),
  { maxKeys: 4 },
);

describe("leafPaths", () => {
  it("descends into objects and into lists of named objects", () => {
    const values = {
      a: { b: 1 },
      env: [{ name: "X", value: "1" }, { name: "Y" }],
      args: ["-v"],
      empty: [],
      none: null,
      map: {},
      unset: undefined,
    };
    expect(leafPaths(values)).toEqual([
      ["a", "b"],
      ["env", { named: "X" }],
      ["env", { named: "X" }, "value"],
      ["env", { named: "Y" }],
      ["args"],
      ["none"],
    ]);
  });

  it("shows no two leaves alike, whatever the keys", () => {
    const shown = (values: JsonObject) => leafPaths(values).map(showPath);
    void fc.assert(fc.property(plain, (values) => void expect(new Set(shown(values)).size).toBe(shown(values).length)));
    expect(shown({ "a.b": 1, a: { b: 1 }, "e[f\\": [{ name: "X", value: 1 }] })).toEqual([
      "a\\.b",
      "a.b",
      "e\\[f\\\\[X]",
      "e\\[f\\\\[X].value",
    ]);
  });
});

const X = { named: "X" };

describe("collision", () => {
  it.each<[Path, Path]>([
    [
      ["server", "replicas"],
      ["server", "replicas"],
    ],
    [["server"], ["server", "replicas"]],
    [
      ["server", "replicas", "x"],
      ["server", "replicas"],
    ],
    [["env"], ["env", X, "value"]],
    [
      ["env", X],
      ["env", X, "value"],
    ],
    [
      ["env", "A"],
      ["env", X, "value"],
    ],
    [
      ["env", "A", "b"],
      ["env", X],
    ],
    [
      ["env", X, "value"],
      ["env", "A"],
    ],
  ])("sees that %j touches %j", (path, own) => expect(collision(path, [own])).toBe(own));

  it.each<[Path, Path]>([
    [
      ["server", "replicasMax"],
      ["server", "replicas"],
    ],
    [
      ["env", { named: "XY" }, "value"],
      ["env", X, "value"],
    ],
    [["serv"], ["server"]],
    [
      ["env[X]", "A"],
      ["env", X],
    ],
    [["server.replicas"], ["server", "replicas"]],
  ])("sees that %j does not touch %j", (path, own) => expect(collision(path, [own])).toBeNull());
});

describe("mergeValues", () => {
  it("lets the user win, joins lists of named objects and replaces others", () => {
    const own: JsonObject = { a: { b: 1, c: 2 }, env: [{ name: "X", value: "1" }], args: ["-v"] };
    const user: JsonObject = {
      a: { c: 3, d: null },
      env: [
        { name: "Y", value: "2" },
        { name: "Y", value: "3" },
      ],
      args: ["-q"],
      more: true,
    };
    expect(mergeValues(own, user)).toEqual({
      a: { b: 1, c: 3, d: null },
      env: [
        { name: "X", value: "1" },
        { name: "Y", value: "2" },
        { name: "Y", value: "3" },
      ],
      args: ["-q"],
      more: true,
    });
  });

  it("keeps every leaf of ours that the user does not touch", () => {
    void fc.assert(
      fc.property(plain, plain, (own, user) => {
        const merged = leafPaths(mergeValues(own, user));
        const untouched = leafPaths(own).filter(
          (path) =>
            collision(path, leafPaths(user)) === null &&
            collision(
              path,
              Object.keys(user).map((key) => [key]),
            ) === null,
        );
        expect(merged).toEqual(expect.arrayContaining([...untouched]));
      }),
    );
  });

  it.each<{ readonly nothing: JsonObject | JsonObject[] }>([
    { nothing: {} },
    { nothing: { x: {} } },
    { nothing: { x: { y: [] } } },
    { nothing: [] },
  ])("changes nothing of ours where the user's $nothing sets nothing", ({ nothing }) => {
    for (const own of [{ a: [{ name: "X" }] }, { a: 1 }, { a: ["-v"] }]) expect(mergeValues(own, { a: nothing })).toEqual(own);
    expect(mergeValues({}, { a: nothing })).toEqual({ a: nothing });
  });

  it("drops what is undefined, at any depth", () => {
    expect(Object.keys(mergeValues({ a: undefined, b: { c: undefined } }, {}))).toEqual(["b"]);
    expect(mergeValues({ b: { c: undefined } }, {})).toStrictEqual({ b: {} });
  });
});
