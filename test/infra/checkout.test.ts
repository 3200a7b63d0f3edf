import { register } from "tsx/cjs/api";
import { afterAll, describe, expect, it } from "vitest";
import { checkEnvironments } from "../../infra/check-environments";

// The loader requires TypeScript, as it does in commands.
afterAll(register());

/** The only test that looks at the environments of this checkout: they are its user's, so there may be any, or none. */
describe("the environments of this checkout", () => {
  it("are valid on each cloud whose section they have and on this machine, and its team's rules find what their examples say", () => {
    expect(checkEnvironments()).toEqual([]);
  });
});
