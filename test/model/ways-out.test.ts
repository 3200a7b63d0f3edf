import { describe, expect, it } from "vitest";
import type { CoreSpec } from "../../constructs/model/spec";
import type { platforms } from "../../constructs/platforms/registry";
import local from "../fixtures/environments/local";
import { refusal } from "../fixtures/specs";

const all: CoreSpec<typeof platforms> = local;
const withConnections = (max: number): CoreSpec<typeof platforms> => ({
  ...all,
  instances: { main: { parameters: { max_connections: max } } },
});
const NEEDED = 135;

describe("platforms that do not fit one instance", () => {
  it("are refused with the three cheapest ways out", () => {
    expect(refusal(withConnections(120))).toBe(
      "invalid spec:\n  - instances.main: max_connections must be at least 135 (kubeflow-pipelines 40 + mlflow 34 + prefect 26 + skillflaw 16 + flyte 11 + reserved 8), got 120; cheapest first: set platforms.kubeflow-pipelines.connections to 25 (now 40); or set instances.main.parameters.max_connections to 135; or move skillflaw (16) to a separate instance",
    );
  });

  it("fit by each of the three alone", () => {
    const kubeflow = { ...all.platforms["kubeflow-pipelines"], connections: 25 };
    expect(refusal({ ...withConnections(120), platforms: { ...all.platforms, "kubeflow-pipelines": kubeflow } })).toBe("accepted");
    expect(refusal(withConnections(NEEDED))).toBe("accepted");
    const apart = Object.fromEntries(Object.entries(all.platforms).map(([name, its]) => [name, { ...its, instance: "main" }]));
    const instances = { ...withConnections(120).instances, apart: {} };
    expect(refusal({ ...all, instances, platforms: { ...apart, skillflaw: { instance: "apart" } } })).toBe("accepted");
  });

  it("are told to shrink several pools where one alone is not enough, and to move as many as it takes", () => {
    expect(refusal(withConnections(80))).toContain(
      "cheapest first: shrink several pools by 55 connections in total; or set instances.main.parameters.max_connections to 135; or move kubeflow-pipelines, mlflow to separate instances",
    );
  });

  it("leave out advice that does not apply: an existing server, a single platform, PostgreSQL's own maximum", () => {
    const existing = { host: "db", ca: "ca.pem", masterSecret: "master.json", maxConnections: 30 };
    expect(refusal({ ...all, acknowledge: {}, instances: { main: { existing } }, platforms: { flyte: { chart: "flyte-core" } } })).toBe(
      "invalid spec:\n  - instances.main: max_connections must be at least 88 (flyte 80 + reserved 8), got 30; cheapest first: set platforms.flyte.maxOpenConnections to 2 (now 10); or raise max_connections of the server, and instances.main.existing.maxConnections, to 88",
    );
    const huge = { chart: "flyte-core", maxOpenConnections: 500, replicas: 100 };
    expect(refusal({ ...withConnections(200), acknowledge: {}, platforms: { flyte: huge } })).toBe(
      "invalid spec:\n  - instances.main: max_connections must be at least 301008 (flyte 301000 + reserved 8), got 200",
    );
    // No pool is small enough.
    expect(refusal(withConnections(30))).toContain(
      "cheapest first: set instances.main.parameters.max_connections to 135; or move kubeflow-pipelines, mlflow, prefect, skillflaw to separate instances",
    );
  });
});
