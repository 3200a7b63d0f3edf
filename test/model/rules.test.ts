import { describe, expect, it } from "vitest";
import { formatViolation } from "../../constructs/model/errors";
import { triedRules } from "../../infra/docs/rules";

const rules = triedRules();

describe("rules", () => {
  it.each(rules)("$id accepts its passing example and finds its failing one, once", ({ foundInPassing, foundInFailing }) => {
    expect(foundInPassing).toEqual([]);
    expect(foundInFailing.map(formatViolation)).toEqual([expect.stringMatching(/^[a-z]\w*\S*: /)]);
  });

  it.each(rules)("$id says why, who says so, and when that was read", ({ id, why, source, date }) => {
    expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(why).toMatch(/^[A-Z`].{20,}[^.]\.$/);
    expect(URL.canParse(source)).toBe(true);
    expect(date).toMatch(/^20\d\d-[01]\d-[0-3]\d$/);
  });

  it("have an id each", () => {
    const ids = rules.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(15);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
