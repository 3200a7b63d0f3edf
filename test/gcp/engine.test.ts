import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { run } from "./engine/double";
import { DoubleEngine } from "./engine/double-engine";
import { ProjectCopy } from "./engine/project";
import { SCENARIOS } from "./engine/scenarios";

const project = new ProjectCopy();
afterAll(() => project.remove());

describe("the program, run by Pulumi's runner as Pulumi.yaml says", () => {
  const engine = new DoubleEngine(project);

  it("is a file: of a folder the runner takes what package.json names, and the engine deletes everything", () => {
    const { main } = parse(readFileSync(join(project.directory, "Pulumi.yaml"), "utf8")) as { readonly main: string };
    expect(statSync(join(project.directory, main)).isFile()).toBe(true);
  });

  it("tells a wrong spec in one message, registers nothing and fails", async () => {
    const section = { project: "my-project", projectNumber: "123456789012", region: "europe-wset4", network: "ml" };
    project.write({ name: "wrong", gcp: section, instances: { main: {} }, platforms: {} });
    const { code, shown, operations } = await run(engine.stack({}, "wrong"), "up");
    expect(shown.startsWith("error: invalid spec:\n  - gcp.region: must be a region of Cloud SQL"), shown).toBe(true);
    expect(shown).not.toMatch(/^ +at /m);
    expect(code).toBe(32);
    expect(operations.map(({ urn }) => urn.split("::")[2])).toEqual(["pulumi:pulumi:Stack"]);
  });
});

describe("with a double of Pulumi's engine", () => {
  const engine = new DoubleEngine(project);

  it.each(SCENARIOS)("$what", async (scenario) => {
    await scenario.run(engine);
    // The first as Pulumi.yaml says; then as one file, which loads in two thirds of the time.
    engine.bundled = true;
  });

  it("makes nothing as long as there are ids that are examples", async () => {
    const { code, shown, operations } = await run(engine.stack({}, "development"), "up");
    expect(shown).toMatch(/^error: 3 ids of development are examples; write your own into infra\/environments: gcp\.project,[^\n]*\n$/);
    expect([code, operations.map(({ urn }) => urn.split("::")[2])]).toEqual([32, ["pulumi:pulumi:Stack"]]);
  });
});
