import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { examplesIn } from "../../constructs/model/fields";
import development from "../fixtures/environments/development";
import { diffConfig } from "./engine/cluster-provider";
import { run } from "./engine/double";
import { DoubleEngine } from "./engine/double-engine";
import { ProjectCopy } from "./engine/project";
import { SCENARIOS } from "./engine/scenarios";
import { UNKNOWN } from "./engine/world";

const project = new ProjectCopy();
afterAll(() => project.remove());

describe("the program, run by Pulumi's runner as Pulumi.yaml says", () => {
  const engine = new DoubleEngine(project);

  it("is a file: of a folder the runner takes what package.json names, and the engine deletes everything", () => {
    const { main } = parse(readFileSync(join(project.directory, "Pulumi.yaml"), "utf8")) as { readonly main: string };
    expect(statSync(join(project.directory, main)).isFile()).toBe(true);
  });

  it("reports a wrong spec in one message, registers nothing and fails", async () => {
    const section = { project: "my-project", projectNumber: "123456789012", region: "europe-wset4", network: "ml" };
    project.write({ name: "wrong", gcp: section, instances: { main: {} }, platforms: {} });
    const { code, shown, operations } = await run(engine.stack({}, "wrong"), "up");
    expect(shown.startsWith("error: invalid spec:\n  - gcp.region: must be a Cloud SQL region"), shown).toBe(true);
    expect(shown).not.toMatch(/^ +at /m);
    expect(code).toBe(32);
    expect(operations.map(({ urn }) => urn.split("::")[2])).toEqual(["pulumi:pulumi:Stack"]);
  });
});

describe("with a double of Pulumi's engine", () => {
  const engine = new DoubleEngine(project);

  it.each(SCENARIOS)("$what", async (scenario) => {
    await scenario.run(engine);
    // The first as Pulumi.yaml says.
    project.useBundle();
  });

  it("creates nothing while the environment has placeholder IDs", async () => {
    writeFileSync(join(project.directory, "infra", "environments", "data.yaml"), stringify({ ...development, name: "data" }));
    const { code, shown, operations } = await run(engine.stack({}, "data"), "up");
    const examples = examplesIn(development.gcp, "gcp");
    expect(shown).toBe(
      `error: data has placeholder IDs; replace them in infra/environments/data.yaml before you deploy: ${examples.join(", ")}\n`,
    );
    expect([code, operations.map(({ urn }) => urn.split("::")[2])]).toEqual([32, ["pulumi:pulumi:Stack"]]);
  });

  it("registers nothing with a provider of Google's that ignores changes of an instance", async () => {
    const older = join(project.directory, "older.js");
    writeFileSync(older, 'require("@pulumi/gcp/package.json").version = "9.36.0";\n');
    vi.stubEnv("NODE_OPTIONS", `--require ${older}`);
    const { code, shown, operations } = await run(engine.stack({}, "development"), "up");
    vi.unstubAllEnvs();
    expect(shown).toBe(
      "error: @pulumi/gcp: must be 9.36.1 or newer, because older versions ignore changes in the settings of an instance, got 9.36.0; run npm install @pulumi/gcp@^9.36.1\n",
    );
    // The runner may register the stack before the program is done, or not.
    expect([code, operations.filter(({ urn }) => !urn.includes("::pulumi:pulumi:Stack::"))]).toEqual([32, []]);
  });
});

describe("the double of the cluster's provider, as that one's own tests have it,", () => {
  const config = (server: string) =>
    JSON.stringify({
      "current-context": "one",
      contexts: [
        { name: "one", context: { cluster: "cluster" } },
        { name: "two", context: { cluster: "other" } },
      ],
      clusters: [
        { name: "cluster", cluster: { server } },
        { name: "other", cluster: { server: "https://other.test" } },
      ],
    });
  const [old, moved] = [config("https://old.test"), config("https://updated.test")];

  // https://github.com/pulumi/pulumi-kubernetes/blob/9497796/provider/pkg/provider/provider_diffconfig_test.go
  it.each([
    ["another server", { kubeconfig: old }, { kubeconfig: moved }, ["kubeconfig"]],
    ["another server, unknown yet", { kubeconfig: old }, { kubeconfig: UNKNOWN }, ["kubeconfig"]],
    ["another context", { kubeconfig: old, context: "one" }, { kubeconfig: old, context: "two" }, ["context"]],
    ["a context that there is not", { kubeconfig: old, context: "one" }, { kubeconfig: old, context: "three" }, []],
    ["a kubeconfig where there was none", {}, { kubeconfig: old }, []],
    [
      "another server and the same identifier",
      { kubeconfig: old, clusterIdentifier: "a" },
      { kubeconfig: moved, clusterIdentifier: "a" },
      [],
    ],
    [
      "another server and another identifier",
      { kubeconfig: old, clusterIdentifier: "a" },
      { kubeconfig: moved, clusterIdentifier: "b" },
      ["clusterIdentifier", "kubeconfig"],
    ],
    ["an identifier where there was none", { kubeconfig: old }, { kubeconfig: old, clusterIdentifier: "a" }, []],
    ["no identifier where there was one", { kubeconfig: old, clusterIdentifier: "a" }, { kubeconfig: old }, []],
  ])("replaces itself with %s, or does not", (_what, before, after, replaces) => {
    expect(diffConfig(before, after)).toEqual(replaces);
  });
});
