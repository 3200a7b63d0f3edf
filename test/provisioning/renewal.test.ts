import { describe, expect, it } from "vitest";
import { describeRenewed, type Renewed, readRenewed } from "../../constructs/provisioning/renewal";

describe("what a renewal reports", () => {
  const rotated: Renewed = { current: "ml_b", previous: "ml_a", ended: null, unproved: null };
  it.each([
    rotated,
    { ...rotated, ended: 0 },
    { ...rotated, ended: 12 },
    { ...rotated, ended: 3, unproved: "the new login acts as ml_b, not as ml_owner; first provision" },
  ])("is read from its sentences: %o", (renewed) => {
    expect(readRenewed(describeRenewed("ml", renewed))).toEqual(renewed);
  });

  it("is not read from others", () => {
    expect(readRenewed(["ml has another password"])).toBeNull();
    expect(readRenewed([])).toBeNull();
  });
});
