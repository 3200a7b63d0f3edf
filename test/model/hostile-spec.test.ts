import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { minimal, refusal, withInstance, withPrefect } from "../fixtures/specs";

describe("a hostile spec", () => {
  it.each<[string, unknown]>([
    ["majorVersion", withInstance({ majorVersion: { toString: 1 } })],
    ["majorVersion", withInstance({ majorVersion: "constructor" })],
    ["parameters.work_mem", withInstance({ parameters: { work_mem: Number.NaN } })],
    ["platforms.prefect.instance", withPrefect({ instance: 5 })],
    ["platforms.prefect.access", withPrefect({ access: { toString: 1 } })],
    ["name", { ...minimal, name: { toString: 1 } }],
    ["platforms.constructor", { ...minimal, platforms: { constructor: {} } }],
    ["instances.main.toString", withInstance({ toString: 1 })],
    ["gcp", { ...minimal, gcp: () => 1 }],
    ["aws", { ...minimal, aws: "x" }],
    ["instances.main", { ...minimal, instances: { main: null } }],
    ["platforms.prefect.values", withPrefect({ values: [] })],
    ["instances.main.allowedSources[0]", withInstance({ allowedSources: ["999.0.0.0/8"] })],
    ["instances.main.allowedSources[0]", withInstance({ allowedSources: ["10.0.0.0/33"] })],
    ["platforms.prefect.images.prefect", withPrefect({ images: { prefect: "repo:1@sha256:zz" } })],
  ])("refuses hostile or malformed %s without falling over", (path, spec) => {
    expect(refusal(spec)).toMatch(/^invalid spec:\n {2}- /);
    expect(refusal(spec)).toContain(path);
  });

  it("never falls over, whatever it gets", () => {
    const anything = fc.object({
      key: fc.constantFrom(
        "name",
        "instances",
        "platforms",
        "main",
        "prefect",
        "values",
        "size",
        "existing",
        "__proto__",
        "toString",
        "parameters",
      ),
      maxDepth: 5,
      withNullPrototype: false,
    });
    void fc.assert(
      fc.property(anything, (spec) => void expect(refusal(spec)).toMatch(/^(invalid spec:|accepted$)/)),
      { numRuns: 300 },
    );
  });
});
