import { describe, expect, it } from "vitest";
import { misfits, toViolations } from "../../constructs/model/chart-values";
import { formatViolation } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import { chartFacts } from "../fixtures/chart-facts";
import { minimal, refusal } from "../fixtures/specs";

const loose = chartFacts("loose", {
  replicaCount: "scalar",
  resources: "object",
  env: "array",
  server: { port: "scalar", image: { tag: "scalar" } },
  config: { level: "scalar", "*": "any" },
});
const strict = {
  ...chartFacts("strict", { replicaCount: "integer|null", port: "integer|string", env: "array", server: { enabled: "boolean" } }),
  rejects: { types: true, keys: true },
};

const found = (values: JsonObject, facts: typeof loose) => toViolations(misfits(values, facts), "platforms.it").map(formatViolation);

describe("values against what is known of a chart", () => {
  it.each<readonly [JsonObject, readonly string[]]>([
    [{ replicaCount: 2, resources: { any: { thing: 1 } }, env: [{ name: "A" }], server: { image: { tag: "1" } } }, []],
    [{ server: null, resources: null }, []],
    // As flyte-core's `podEnv: {}` takes variables.
    [{ resources: [{ name: "A", value: "b" }] }, []],
    [{ server: [] }, ["platforms.it.values.server: must be a map"]],
    [{ config: { level: 1, whatever: { deep: true } } }, []],
    [
      { replicaCuont: 2 },
      ['platforms.it.values.replicaCuont: is not a value of loose 1.0.0, which ignores it; did you mean "replicaCount"?'],
    ],
    [
      { server: { image: { tga: "1" }, port: 1 } },
      ['platforms.it.values.server.image.tga: is not a value of loose 1.0.0, which ignores it; did you mean "tag"?'],
    ],
    [
      { constructor: 1 },
      ["platforms.it.values.constructor: is not a value of loose 1.0.0, which ignores it; remove it, or look it up in the chart's values"],
    ],
    // No template among values may read them.
    [
      { env: ["{{ .Values.mine.host }}"], mine: { host: "x" } },
      ["platforms.it.values.mine: is not a value of loose 1.0.0, which ignores it; remove it, or look it up in the chart's values"],
    ],
    [{ server: "x", resources: 1 }, ["platforms.it.values.server: must be a map", "platforms.it.values.resources: must be a map"]],
    // A default says little of a value's type: a template may take a list in place of a text.
    [{ replicaCount: ["x"], env: "x" }, []],
  ])("%j of a chart without a schema", (values, expected) => {
    expect(found(values, loose)).toEqual(expected);
  });

  it.each<readonly [JsonObject, readonly string[]]>([
    [{ replicaCount: 2, port: "80", env: [], server: { enabled: true } }, []],
    [{ replicaCount: null }, []],
    [
      { env: ["{{ .Values.mine }}"], mine: 1 },
      [
        "platforms.it.values.mine: is not a value of strict 1.0.0, whose schema rejects the installation; remove it, or look it up in the chart's values",
      ],
    ],
    [{ replicaCount: 1.5 }, ["platforms.it.values.replicaCount: must be integer or null"]],
    [{ port: true, env: {} }, ["platforms.it.values.port: must be integer or string", "platforms.it.values.env: must be a list"]],
    [
      { server: { enbled: true } },
      ['platforms.it.values.server.enbled: is not a value of strict 1.0.0, whose schema rejects the installation; did you mean "enabled"?'],
    ],
  ])("%j of a chart with a schema", (values, expected) => {
    expect(found(values, strict)).toEqual(expected);
  });

  it("are an error where Helm would refuse the installation, and acknowledged where it would ignore them", () => {
    expect(refusal({ ...minimal, platforms: { mlflow: { values: { persistence: { enabled: true } } } } })).toBe(
      "invalid spec:\n  - platforms.mlflow.values.persistence: is not a value of mlflow 1.11.5, whose schema rejects the installation; remove it, or look it up in the chart's values [mlflow-chart-values]",
    );
    const prefect = { values: { server: { replicaCuont: 3 } } };
    expect(refusal({ ...minimal, platforms: { prefect } })).toBe(
      'invalid spec:\n  - platforms.prefect.values.server.replicaCuont: is not a value of prefect-server 2026.8.18172642, which ignores it; did you mean "replicaCount"?; then write acknowledge: { "prefect-chart-values": "<reason>" } [prefect-chart-values]',
    );
    expect(refusal({ ...minimal, acknowledge: { "prefect-chart-values": "read by our own template" }, platforms: { prefect } })).toBe(
      "accepted",
    );
  });

  it("have a remedy where only acknowledging is left", () => {
    const flyte = { chart: "flyte-core", values: { webhook: { podEnv: "A=b" } } };
    expect(refusal({ ...minimal, platforms: { flyte } })).toBe(
      'invalid spec:\n  - platforms.flyte.values.webhook.podEnv: must be a map; write acknowledge: { "flyte-chart-values": "<reason>" } [flyte-chart-values]',
    );
  });

  it("are not compared with the values of another version", () => {
    const prefect = { chartVersion: "2027.1.1", values: { server: { replicaCuont: 3 } } };
    expect(refusal({ ...minimal, acknowledge: { "prefect-chart-version": "values compared" }, platforms: { prefect } })).toBe("accepted");
  });
});
