import { describe, expect, it } from "vitest";
import { isDanger } from "../../infra/plan/change";
import { changesOn, toLine } from "../fixtures/plan";
import { KINDS } from "../fixtures/plan-kinds";

const on = <T>(value: T | Readonly<Record<"aws" | "gcp", T>>, cloud: "aws" | "gcp"): T =>
  typeof value === "object" && value !== null && cloud in value ? (value as Readonly<Record<"aws" | "gcp", T>>)[cloud] : (value as T);

const CASES = KINDS.flatMap((kind) => kind.clouds.map((cloud) => ({ ...kind, cloud })));

describe("a plan of a change", () => {
  it.each(CASES)("says of $title on $cloud what is worst, and what to do about it", async ({ cloud, before, after, path, level }) => {
    const changes = await changesOn[cloud](before, after);
    expect(changes.map((change) => `${change.level} ${change.path}`)).toContain(`${on(level, cloud)} ${on(path, cloud)}`);
    const worst = changes[0];
    expect(worst?.level).toBe(on(level, cloud));
    // A way on for every danger.
    expect(changes.filter((change) => isDanger(change) && change.remedy === "")).toEqual([]);
  });

  it.each(["aws", "gcp"] as const)("says on %s all of this, in these words", async (cloud) => {
    const texts: string[] = [];
    for (const { title, before, after, clouds } of KINDS) {
      if (!clouds.includes(cloud)) continue;
      const lines = (await changesOn[cloud](before, after)).map((change) => `  ${toLine(change)}`);
      texts.push([title, ...lines].join("\n"));
    }
    await expect(`${texts.join("\n\n")}\n`).toMatchFileSnapshot(`../fixtures/specs/plan-changes-${cloud}.txt`);
  });

  it("says nothing where nothing changes", async () => {
    for (const { before, clouds } of KINDS) for (const cloud of clouds) expect(await changesOn[cloud](before, before)).toEqual([]);
  });
});
