import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import type { ChartRight } from "../../constructs/model/chart-facts";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";
import { rightsNotes } from "../../infra/rights";
import { chartFacts } from "../fixtures/chart-facts";
import { toy } from "../fixtures/toy";

/** The notes on a chart that brings these rights. */
function notesOn(rights: readonly ChartRight[], settings: object = {}): readonly string[] {
  const chart = toy.chart({} as never);
  if (chart === null) throw new TypeError("the toy has a chart");
  const registry = { toy: { ...toy, chart: () => ({ ...chart, verified: [{ ...chartFacts("toy"), rights }] as const }) } };
  const environment = resolveUnknown(
    { name: "it", instances: { main: {} }, platforms: { toy: settings } },
    { target: local, platforms: registry },
  );
  return rightsNotes(environment, registry);
}

const right = (rule: Partial<ChartRight["rules"][number]>, isClusterWide = true): ChartRight => ({
  isClusterWide,
  accounts: ["runner"],
  rules: [{ groups: [""], resources: ["secrets"], verbs: ["get"], ...rule }],
});

describe("the rights that a chart brings", () => {
  it.each<readonly [string, ChartRight, string | null]>([
    ["reading every Secret", right({}), "read Secrets"],
    ["listing every Secret", right({ verbs: ["list"] }), "read Secrets"],
    ["everything", right({ groups: ["*"], resources: ["*"], verbs: ["*"] }), "read Secrets and start pods"],
    ["starting pods", right({ resources: ["pods"], verbs: ["create"] }), "start pods"],
    ["starting Jobs", right({ groups: ["batch"], resources: ["jobs"], verbs: ["create"] }), "start pods"],
    ["starting Deployments", right({ groups: ["apps"], resources: ["*"], verbs: ["*"] }), "start pods"],
    ["creating Ingresses", right({ groups: ["networking.k8s.io"], resources: ["*"], verbs: ["create"] }), null],
    ["looking at pods", right({ resources: ["pods"], verbs: ["get", "list"] }), null],
    ["creating Secrets", right({ verbs: ["create"] }), null],
    ["secrets of another API", right({ groups: ["example.com"] }), null],
    ["Secrets of its namespace", right({}, false), null],
  ])("of %s", (_what, given, can) => {
    expect(notesOn([given])).toEqual(can === null ? [] : [`toy: toy 1.0.0 lets service account runner ${can} in every namespace`]);
  });

  it("are those of the release's own account", () => {
    const given = { ...right({}), accounts: ["toy", "runner"] };
    expect(notesOn([given], { release: "research" })).toEqual([
      "toy: toy 1.0.0 lets service account research, runner read Secrets in every namespace",
    ]);
  });

  it("are as the charts of today are rendered", () => {
    const spec = {
      name: "it",
      instances: { main: { size: { vcpus: 4, memoryGib: 32 } } },
      acknowledge: { "kubeflow-pipelines-is-for-development": "a test of its rights" },
      platforms: {
        flyte: {},
        mlflow: {},
        prefect: {},
        skillflaw: {},
        "kubeflow-pipelines": { images: { "api-server": "registry.example/a:1", "cache-server": "registry.example/c:1" } },
        application: {},
      },
    };
    const environment = resolveUnknown(spec, { target: local, platforms });
    expect(rightsNotes(environment)).toEqual([]);
    expect(environment.warnings.filter(({ rule }) => rule.includes("in every namespace")).map(({ path }) => path)).toEqual([
      "platforms.flyte.chart",
    ]);
  });

  it.each<readonly [string, object, readonly string[]]>([
    ["flyte-binary", {}, ["flyte"]],
    ["flyte-binary", { rbac: { create: false } }, []],
    ["flyte-core", {}, ["flyte-pod-webhook", "flyteadmin", "flytepropeller"]],
    ["flyte-core", { flyteadmin: { serviceAccount: { rbacScope: "namespace" } } }, ["flyte-pod-webhook", "flytepropeller"]],
    [
      "flyte-core",
      Object.fromEntries(["flyteadmin", "flytepropeller", "webhook"].map((key) => [key, { serviceAccount: { rbacScope: "namespace" } }])),
      [],
    ],
  ])("of %s with %j are those that values leave", (chart, values, accounts) => {
    const spec = { name: "it", instances: { main: { size: { vcpus: 4, memoryGib: 32 } } }, platforms: { flyte: { chart, values } } };
    const environment = resolveUnknown(spec, { target: local, platforms });
    const warned = environment.warnings.filter(({ path }) => path === "platforms.flyte.chart");
    const named = warned.map(({ rule }) => rule.match(/service accounts? (.*) read Secrets/)?.[1]);
    expect(named).toEqual(accounts.length === 0 ? [] : [accounts.join(", ")]);
  });
});
