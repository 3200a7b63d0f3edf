import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";

const FITS = "[mlflow-values-fit-kubernetes]";
const AMOUNT = `must be a quantity of Kubernetes; write it such as 500m, 2 or 2Gi, without a space ${FITS}`;

/** What is said of values of MLflow's chart by the rules about Kubernetes. */
function said(values: JsonObject): readonly string[] {
  const spec = { name: "test", instances: { main: {} }, platforms: { mlflow: { values } } };
  const ours = (found: readonly { readonly id?: string }[]) => found.filter(({ id }) => /fit-kubernetes|are-texts/.test(id ?? ""));
  try {
    return ours(resolveUnknown(spec, { target: local, platforms }).warnings).map((each) => formatViolation(each as never));
  } catch (error) {
    if (error instanceof SpecError) return ours(error.violations).map((each) => formatViolation(each as never));
    throw error;
  }
}

describe("values that a chart copies into objects of Kubernetes", () => {
  it.each<[JsonObject, readonly string[]]>([
    [{ resources: { requests: { memory: "2 GB" } } }, [`platforms.mlflow.values.resources.requests.memory: ${AMOUNT}`]],
    [{ resources: { limits: { cpu: "half" } } }, [`platforms.mlflow.values.resources.limits.cpu: ${AMOUNT}`]],
    [
      { resources: { limits: { memory: "2GB", cpu: "1e" } } },
      ["memory", "cpu"].map((each) => `platforms.mlflow.values.resources.limits.${each}: ${AMOUNT}`),
    ],
    [
      { resources: { requests: { memory: "4Gi", cpu: "1500m" }, limits: { memory: "2000Mi", cpu: 1 } } },
      ["memory", "cpu"].map(
        (each) =>
          `platforms.mlflow.values.resources.requests.${each}: must be at most limits.${each}; raise the limit, or lower the request ${FITS}`,
      ),
    ],
    [
      { extraContainers: [{ name: "logs", image: "it:1", resources: { requests: { cpu: "1 core" } } }] },
      [`platforms.mlflow.values.extraContainers[logs].resources.requests.cpu: ${AMOUNT}`],
    ],
    [
      { service: { type: "Loadbalancer" } },
      [`platforms.mlflow.values.service.type: must be one of ClusterIP, NodePort, LoadBalancer, ExternalName; case matters ${FITS}`],
    ],
    [
      { image: { pullPolicy: "always" } },
      [`platforms.mlflow.values.image.pullPolicy: must be one of Always, IfNotPresent, Never; case matters ${FITS}`],
    ],
    [
      { nodeSelector: { gpu: true } },
      ['platforms.mlflow.values.nodeSelector.gpu: must be a text; write it in quotes: "true" [mlflow-labels-are-texts]'],
    ],
    [
      { podAnnotations: { "prometheus.io/port": 9090 } },
      ['platforms.mlflow.values.podAnnotations.prometheus\\.io/port: must be a text; write it in quotes: "9090" [mlflow-labels-are-texts]'],
    ],
  ])("%j", (values, messages) => {
    expect(said(values)).toEqual(messages);
  });

  it.each<JsonObject>([
    { resources: { requests: { cpu: 0.5, memory: "1.5Gi", "nvidia.com/gpu": 1 }, limits: { memory: "2e9", "ephemeral-storage": "10G" } } },
    { resources: { requests: { cpu: "100m" }, limits: { cpu: null } } },
    { resources: {} },
    { service: { type: "NodePort" }, image: { pullPolicy: "IfNotPresent" } },
    { nodeSelector: { "kubernetes.io/arch": "arm64" }, podAnnotations: {} },
  ])("are not in the way of what Kubernetes takes: %j", (values) => {
    expect(said(values)).toEqual([]);
  });
});
