import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import { mentionsOf, workloadsOf } from "../../infra/charts/workloads";
import { start } from "../contract/process";

const password = { name: "PGPASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } };
const pod: JsonObject = { containers: [{ name: "app", image: "app:1", env: [password] }] };
const metadata = { name: "it" };
const deployment = (spec: JsonObject = {}, of: JsonObject = pod): JsonObject => ({
  kind: "Deployment",
  metadata,
  spec: { ...spec, template: { spec: of } },
});
const withContainer = (container: JsonObject, more: JsonObject = {}): JsonObject =>
  deployment({}, { ...more, containers: [{ name: "app", image: "app:1", ...container }] });

describe("a chart's pods are seen", () => {
  it.each<readonly [string, JsonObject]>([
    ["alone", { kind: "Pod", metadata, spec: pod }],
    ["in a PodTemplate", { kind: "PodTemplate", metadata, template: { spec: pod } }],
  ])("%s", (_how, object) => {
    expect(workloadsOf([object])[0]?.containers.map(({ name }) => name)).toEqual(["app"]);
  });

  it("with another namespace than the release's", () => {
    const elsewhere = { ...deployment(), metadata: { name: "it", namespace: "other" } };
    expect(workloadsOf([elsewhere], "other")[0]?.namespace).toBe(undefined);
    expect(workloadsOf([elsewhere], "ml")[0]?.namespace).toBe("other");
  });

  it.each<readonly [string, readonly JsonObject[], number | undefined]>([
    ["one", [deployment()], undefined],
    ["by their Deployment", [deployment({ replicas: 3 })], 3],
    [
      "by an autoscaler",
      [deployment(), { kind: "HorizontalPodAutoscaler", spec: { maxReplicas: 20, scaleTargetRef: { kind: "Deployment", name: "it" } } }],
      20,
    ],
    ["by KEDA", [deployment(), { kind: "ScaledObject", spec: { scaleTargetRef: { name: "it" } } }], 100],
    [
      "by an autoscaler of another one",
      [deployment(), { kind: "HorizontalPodAutoscaler", spec: { maxReplicas: 20, scaleTargetRef: { kind: "Deployment", name: "x" } } }],
      undefined,
    ],
  ])("as many as there may be: %s", (_how, objects, pods) => {
    expect(workloadsOf(objects)[0]?.pods).toBe(pods);
  });

  it.each<readonly [JsonObject, true | undefined]>([
    [{ type: "Recreate" }, true],
    [{ type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }, true],
    [{ type: "RollingUpdate" }, undefined],
  ])("overlapping or not: %j", (strategy, recreates) => {
    expect(workloadsOf([deployment({ strategy })])[0]?.recreates).toBe(recreates);
  });

  it("with what they run when they start", () => {
    const lifecycle = { postStart: { exec: { command: ["psql", "sslmode=disable"] } } };
    expect(workloadsOf([withContainer({ lifecycle })])[0]?.containers[0]?.probes).toEqual({
      postStart: expect.stringMatching(/^exec sha256:[0-9a-f]{16}$/),
    });
  });
});

it("what names the Secret and runs no pods is listed", () => {
  const template = { kind: "ConfigMap", metadata, data: { "pod.yaml": "secretKeyRef: { name: db, key: password }" } };
  const role = { kind: "Role", metadata, rules: [{ resources: ["secrets"], resourceNames: ["db"] }] };
  const other = { kind: "ConfigMap", metadata: { name: "other" }, data: { a: "my-db db-migrations" } };
  const restarted = { kind: "Service", metadata: { name: "it", annotations: { "secret.reloader.stakater.com/reload": "db" } } };
  expect(mentionsOf([template, role, other, restarted, deployment()], "db")).toEqual(["ConfigMap/it", "Role/it"]);
});

describe("a container starts with", () => {
  const started = (container: JsonObject, objects: readonly JsonObject[] = [], more: JsonObject = {}) => {
    const [workload] = workloadsOf([withContainer(container, more), ...objects]);
    const [first] = workload?.containers ?? [];
    if (first === undefined) throw new TypeError("nothing to start");
    return start(first, { "Secret/db": { username: "u", password: "p" } });
  };
  const own = { kind: "Secret", metadata: { name: "own" }, data: { PGPASSWORD: "c2VjcmV0" }, stringData: { PGHOST: "in clear" } };

  it("what a Secret of the chart's own puts in place of ours, without its text", () => {
    const override = { name: "PGPASSWORD", valueFrom: { secretKeyRef: { name: "own", key: "PGPASSWORD" } } };
    expect(started({ env: [password, override] }, [own]).env).toEqual({ PGPASSWORD: "whatever Secret/own has" });
    const all = started({ envFrom: [{ secretRef: { name: "own" } }], env: [password] }, [own]);
    expect(all.env).toEqual({ PGHOST: "whatever Secret/own has", PGPASSWORD: "p" });
    expect(JSON.stringify(workloadsOf([withContainer({ envFrom: [{ secretRef: { name: "own" } }] }), own]))).not.toMatch(/clear|c2Vj/);
  });

  it("variables that begin with what the chart says", () => {
    const configMap = { kind: "ConfigMap", metadata: { name: "all" }, data: { HOST: "db" } };
    expect(started({ envFrom: [{ prefix: "PG", configMapRef: { name: "all" } }] }, [configMap]).env).toEqual({ PGHOST: "db" });
  });

  it("variables in variables and in arguments, if they are known by then", () => {
    const url = { name: "URL", value: "postgresql://$(PGPASSWORD)@$(LATER)" };
    const { env, args } = started({ env: [password, url, { name: "LATER", value: "x" }], args: ["$(URL)"] });
    expect(env.URL).toBe("postgresql://p@$(LATER)");
    expect(args).toEqual(["postgresql://p@$(LATER)"]);
  });

  it("the one file that a mount picks", () => {
    const volumes = [{ name: "v", secret: { secretName: "db" } }];
    expect(started({ volumeMounts: [{ name: "v", mountPath: "/user", subPath: "username" }] }, [], { volumes }).files).toEqual({
      "/user": "u",
    });
  });
});
