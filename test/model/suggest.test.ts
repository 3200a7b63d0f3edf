import { describe, expect, it } from "vitest";
import { nearest, suggestRegion } from "../../constructs/model/suggest";

describe("a suggestion", () => {
  it.each([
    ["mian", "main"],
    ["highAvailabilty", "highAvailability"],
    ["HIGHAVAILABILITY", "highAvailability"],
    ["prefct", "prefect"],
    ["wrok_mem", "work_mem"],
    ["pref", "prefect"],
    ["sizeGib", "size"],
    ["sizeOfTheDisk", null],
    // Nothing in common, or longer than any name.
    ["disk", null],
    ["x", null],
    ["db", null],
    ["m".repeat(1_000_000), null],
  ])("for %s is %s", (word, known) => {
    expect(nearest(word, ["main", "highAvailability", "prefect", "work_mem", "size", "a"])).toBe(known);
  });

  it("is the nearest, not the first that is near", () => {
    expect(nearest("replicaz", ["replicates", "replicas"])).toBe("replicas");
  });

  it("for a region is of its continent", () => {
    const regions = ["eu-north-1", "eu-west-1", "us-east-1"];
    expect(suggestRegion("eu-nroth-1", regions)).toBe('did you mean "eu-north-1"?');
    expect(suggestRegion("me-north-1", regions)).toBe("");
    expect(suggestRegion("eu-elsewhere-9", regions)).toBe("known are eu-north-1, eu-west-1");
  });
});
