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
const engine = new DoubleEngine(project);

describe("the program, run by Pulumi's runner, with a double of the engine", () => {
  it.each(SCENARIOS)("$what", async (scenario) => {
    await scenario.run(engine);
  });

  it.each([
    ["a wrong spec", "wrong", "invalid spec:\n  - gcp.region: must be a region of Cloud SQL"],
    ["ids that are examples", "development", "3 ids of development are examples; write your own into infra/environments: gcp.project,"],
  ])("tells %s in one message, registers nothing and fails", async (_what, stack, message) => {
    const section = { project: "my-project", projectNumber: "123456789012", region: "europe-wset4", network: "ml" };
    project.write({ name: "wrong", gcp: section, instances: { main: {} }, platforms: {} });
    const { code, shown, operations } = await run(engine.stack({}, stack), "up");
    expect(shown.startsWith(`error: ${message}`), shown).toBe(true);
    expect(shown).not.toMatch(/^ +at /m);
    expect(code).toBe(32);
    expect(operations.map(({ urn }) => urn.split("::")[2])).toEqual(["pulumi:pulumi:Stack"]);
  });

  it("is a file of Pulumi.yaml: of a folder the runner takes what package.json names, and the engine deletes everything", () => {
    const { main } = parse(readFileSync(join(project.directory, "Pulumi.yaml"), "utf8")) as { readonly main: string };
    expect(statSync(join(project.directory, main)).isFile()).toBe(true);
  });
});
