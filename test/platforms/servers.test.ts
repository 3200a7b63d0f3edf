import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import type { JsonObject } from "../../constructs/model/json";
import type { Platform } from "../../constructs/model/platform";
import { resolveUnknown } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";

const KFP: Readonly<Record<string, JsonObject>> = {
  "kubeflow-pipelines": { images: { "api-server": "registry.example/a:1", "cache-server": "registry.example/c:1" } },
};
const ACKNOWLEDGE = { "kubeflow-pipelines-is-for-development": "a test of versions" };

/** What follows from the version that a spec runs. */
function chosen(name: keyof typeof platforms, settings: JsonObject) {
  const environment = resolveUnknown(
    { name: "it", instances: { main: {} }, platforms: { [name]: settings } },
    { target: local, platforms },
  );
  const { wiring } = wirePlatforms(environment, platforms, () => ({ host: "db", port: 5432, sidecar: null }))[name] ?? {};
  const start = wiring?.start ?? null;
  return {
    packages: start?.kind === "python" ? start.packages : [],
    expected: environment.instances.main?.tenants[name]?.revisions.map((revision) => revision.expected),
  };
}

describe("the version of a server", () => {
  it.each([
    ["the chart's", "prefect", {}, ["prefect==3.8.3", "fastapi==0.139.0"], "50737cdaee36"],
    ["the image's", "prefect", { images: { prefect: "prefecthq/prefect:3.9.1-python3.12" } }, ["prefect==3.9.1"], "91e2b8f3d6a4"],
    ["the chart's", "mlflow", {}, ["mlflow==3.15.1", "psycopg2-binary==2.9.13"], "6f8d9c3b2a1e"],
    [
      "the image's",
      "mlflow",
      { images: { mlflow: "registry.example:5000/mlflow:3.17.2" } },
      ["mlflow==3.17.2", "psycopg2-binary==2.9.13"],
      "dc11669786a5",
    ],
    [
      "the image's",
      "flyte",
      { images: { flyte: "cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.43" } },
      [],
      "runs/20260812100000_add_settings_table",
    ],
  ] as const)("is %s of %s: it decides what starts here, and the revision", (_of, name, settings, packages, expected) => {
    expect(chosen(name, settings)).toEqual({ packages, expected: [expected] });
  });

  it.each([
    ["prefect", "registry.example/prefect:3.9.10"],
    ["prefect", "registry.example/prefect:13.9.1"],
    ["prefect", "registry.example/prefect:latest"],
    ["mlflow", `registry.example/mlflow@sha256:${"a".repeat(64)}`],
  ] as const)("is not known of %s %s: the chart's starts here, and no revision is expected", (name, image) => {
    expect(chosen(name, { images: { [name]: image } })).toEqual({ ...chosen(name, {}), expected: [null] });
  });

  it("is stated for each verified chart, in order, and is what the chart's own migration runs", () => {
    for (const [name, platform] of Object.entries(platforms) as [keyof typeof platforms, Platform][]) {
      const environment = resolveUnknown(
        { name: "it", instances: { main: {} }, platforms: { [name]: KFP[name] ?? {} }, acknowledge: ACKNOWLEDGE },
        { target: local, platforms },
      );
      const settings = environment.platforms[name]?.settings as never;
      const servers = platform.servers(settings);
      if (servers === null) continue;
      expect(servers.versions.flatMap(({ charts }) => charts)).toEqual(platform.chart(settings)?.verified.map(({ version }) => version));
      expect(platform.images(settings)).toContain(servers.container);
    }
  });

  it("is in the image that migrates by hand", () => {
    const environment = resolveUnknown(
      { name: "it", instances: { main: {} }, platforms: { prefect: {}, mlflow: {} } },
      { target: local, platforms },
    );
    const wired = wirePlatforms(environment, platforms, () => ({ host: "db", port: 5432, sidecar: null }));
    expect(wired.prefect?.wiring.migrate[0]?.image).toMatch(/:3\.8\.3-/);
    expect(wired.mlflow?.wiring.migrate[0]?.image).toMatch(/:3\.15\.1$/);
  });
});
