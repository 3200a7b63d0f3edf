import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budget, checkBudget, peakOf } from "../../constructs/model/budget";

describe("peakOf", () => {
  it.each([
    [{ pool: 10, processes: 1, replicas: 1, overlaps: false, migration: 0 }, 10],
    [{ pool: 10, processes: 2, replicas: 3, overlaps: false, migration: 0 }, 60],
    [{ pool: 10, processes: 2, replicas: 3, overlaps: true, migration: 0 }, 120],
    [{ pool: 11, processes: 1, replicas: 1, overlaps: true, migration: 2 }, 24],
  ])("of %o is %i", (demand, peak) => expect(peakOf({ opener: "server", ...demand })).toBe(peak));
});

describe("checkBudget", () => {
  it("accepts what fits to the last connection, and nothing more", () => {
    void fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 1000 }),
        fc.integer({ min: 0, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
        (max, reserved, shares) => {
          const peaks = Object.fromEntries(shares.map((share, index) => [`p${index}`, share]));
          const needed = shares.reduce((sum, share) => sum + share, reserved);
          const violations = checkBudget(budget(max, reserved, peaks), "instances.main", () => []);
          expect(violations.length).toBe(needed <= max ? 0 : 1);
          if (needed > max) expect(checkBudget(budget(needed, reserved, peaks), "instances.main", () => [])).toEqual([]);
        },
      ),
    );
  });
});
