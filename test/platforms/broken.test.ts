import { describe, expect, it } from "vitest";
import { type ContractCase, DIRECT, receiversIn, wire, workloadsIn } from "../contract/case";
import { expectVerified } from "../contract/platform";
import { brokenCases } from "../fixtures/broken";

/** The containers whose login the contract refuses. */
function refused(each: ContractCase): readonly string[] {
  const wired = wire(each, DIRECT);
  const receivers = receiversIn(workloadsIn(each, wired), wired);
  return receivers.flatMap((receiver) => {
    try {
      expectVerified(each, receiver, wired, DIRECT);
      return [];
    } catch {
      return [receiver.title];
    }
  });
}

describe("a broken adapter is caught by the contract", () => {
  it.each(brokenCases)("$each.title", ({ each, refused: expected }) => {
    expect(refused(each)).toEqual(expected);
  });
});
