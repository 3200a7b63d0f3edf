import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";

const images = { "api-server": "registry.example/api:1", "cache-server": "registry.example/cache:1" };
const commit = "0123456789abcdef0123456789abcdef01234567";

/** What `resolve` reports about a chart's version. */
function reported(name: string, settings: object): readonly string[] {
  const acknowledge = { "kubeflow-pipelines-is-for-development": "a test of chart versions" };
  const spec = { name: "it", acknowledge, instances: { main: {} }, platforms: { [name]: settings } };
  try {
    resolveUnknown(spec, { target: local, platforms });
    return [];
  } catch (error) {
    if (error instanceof SpecError) return error.message.split("\n  - ").slice(1);
    throw error;
  }
}

describe("a chart's version", () => {
  it.each([
    ["flyte", { chartVersion: "v2.0.43" }, "v2.0.42", "flyte-binary"],
    ["flyte", { chartVersion: "v2.1.0" }, "v2.0.42", "flyte-binary"],
    ["flyte", { chartVersion: "v3.0.0" }, "v2.0.42", "flyte-binary"],
    ["flyte", { chartVersion: "v1.17.0" }, "v1.16.8", "flyte-binary"],
    ["flyte", { chart: "flyte-core", chartVersion: "v1.17.0" }, "v1.16.8", "flyte-core"],
    ["mlflow", { chartVersion: "1.12.0" }, "1.11.5", "mlflow"],
    ["mlflow", { chartVersion: "2.0.0" }, "1.11.5", "mlflow"],
    ["prefect", { chartVersion: "2026.11.1" }, "2026.8.18172642", "prefect-server"],
    ["skillflaw", { chartVersion: "0.2.0" }, "0.1.0", "skillflaw"],
  ])("of %s, %o, that is newer than what is known can be acknowledged", (name, settings, newest, chart) => {
    expect(reported(name, settings)).toEqual([
      `platforms.${name}.chartVersion: is newer than ${newest}, the newest version of ${chart} that was verified, got "${settings.chartVersion}"; use ${newest}, or read the chart's values and check that no key moved; then write acknowledge: { "${name}-chart-version": "<reason>" } [${name}-chart-version]`,
    ]);
  });

  it.each([
    ["flyte", { chartVersion: "v2.0.24" }, "flyte-binary"],
    ["flyte", { chartVersion: "v1.16.0" }, "flyte-binary"],
    ["mlflow", { chartVersion: "1.10.0" }, "mlflow"],
    ["prefect", { chartVersion: "2026.1.1" }, "prefect-server"],
    ["kubeflow-pipelines", { chartVersion: "3.0.0", images }, "platform-agnostic-postgresql"],
    ["kubeflow-pipelines", { chartVersion: commit, images }, "platform-agnostic-postgresql"],
  ])("of %s, %o, that is older than a verified one, or in no order with it, can be acknowledged, too", (name, settings, chart) => {
    expect(reported(name, settings)).toEqual([
      expect.stringContaining(`platforms.${name}.chartVersion: is not verified for ${chart}, got "${settings.chartVersion}"; use `),
    ]);
  });

  it.each([
    ["flyte", { chartVersion: "v2.0.23" }, "must be v2.0.24 or newer, or v1.16.0 or newer 1.x"],
    ["flyte", { chartVersion: "v1.15.9" }, "must be v2.0.24 or newer, or v1.16.0 or newer 1.x"],
    ["flyte", { chartVersion: "v0.9.0" }, "must be v2.0.24 or newer, or v1.16.0 or newer 1.x"],
    ["flyte", { chart: "flyte-core", chartVersion: "v2.0.42" }, "must be a Flyte 1 version with flyte-core"],
    ["mlflow", { chartVersion: "1.9.12" }, "must be 1.10.0 or newer"],
    ["mlflow", { chartVersion: "latest" }, "must be 1.10.0 or newer"],
    ["prefect", { chartVersion: "2025.12.1" }, "must be a version of 2026 or newer"],
    ["prefect", { chartVersion: commit }, "must be a version of 2026 or newer"],
    ["kubeflow-pipelines", { chartVersion: "2.17.3", images }, "must be 2.18.0 or newer, or a commit"],
  ])("of %s, %o, whose keys are known to differ, is an error", (name, settings, message) => {
    const [error] = reported(name, settings);
    expect(error).toContain(message);
    expect(error).not.toContain("acknowledge");
  });
});
