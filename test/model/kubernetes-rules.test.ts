import { describe, expect, it } from "vitest";
import { local } from "../../constructs/local/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import { resolveUnknown } from "../../constructs/model/resolve";
import { platforms } from "../../constructs/platforms/registry";

const FITS = "[mlflow-values-fit-kubernetes]";
const AMOUNT = `must be a Kubernetes quantity; write a quantity such as 500m, 2 or 2Gi, without a space ${FITS}`;

const TOPOLOGY = "is required; write kubernetes.io/hostname or topology.kubernetes.io/zone";
const HOST = "must be a DNS name in lower case, without a scheme, port or path; write a name such as ml.example.com or *.example.com";

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
      ['platforms.mlflow.values.nodeSelector.gpu: must be a string; write it in quotes: "true" [mlflow-labels-are-texts]'],
    ],
    [
      { podAnnotations: { "prometheus.io/port": 9090 } },
      [
        'platforms.mlflow.values.podAnnotations.prometheus\\.io/port: must be a string; write it in quotes: "9090" [mlflow-labels-are-texts]',
      ],
    ],
    [
      { extraContainers: [{ name: "logs", image: "it:1", env: [{ name: "LEVEL", value: 10 }] }] },
      [
        'platforms.mlflow.values.extraContainers[logs].env[LEVEL].value: must be a string; write it in quotes: "10" [mlflow-labels-are-texts]',
      ],
    ],
    [
      { tolerations: [{ key: "gpu", value: true, effect: "NoSchedule" }] },
      ['platforms.mlflow.values.tolerations[0].value: must be a string; write it in quotes: "true" [mlflow-labels-are-texts]'],
    ],
    [
      { tolerations: [{ key: "gpu", operator: "exists", effect: "NoScheduled" }] },
      [
        `platforms.mlflow.values.tolerations[0].effect: must be one of NoSchedule, PreferNoSchedule, NoExecute; case matters ${FITS}`,
        `platforms.mlflow.values.tolerations[0].operator: must be one of Exists, Equal, Lt, Gt; case matters ${FITS}`,
      ],
    ],
    [
      { tolerations: [{ key: "gpu", operator: "Exists", value: "yes" }] },
      [`platforms.mlflow.values.tolerations[0].value: must be left out with operator Exists; remove it, or use the operator Equal ${FITS}`],
    ],
    [
      { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } } },
      [
        `platforms.mlflow.values.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: ${TOPOLOGY} ${FITS}`,
      ],
    ],
    [
      { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: {} }] } } },
      [
        `platforms.mlflow.values.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: ${TOPOLOGY} ${FITS}`,
      ],
    ],
    [
      { livenessProbe: { successThreshold: 2 } },
      [`platforms.mlflow.values.livenessProbe.successThreshold: must be 1; remove it; only a readiness probe may have more ${FITS}`],
    ],
    [
      { extraContainers: [{ name: "logs", image: "it:1", env: [{ name: "A", value: "1", valueFrom: { fieldRef: {} } }] }] },
      [
        `platforms.mlflow.values.extraContainers[logs].env[A].valueFrom: must not be set together with value; remove one of the two from env ${FITS}`,
      ],
    ],
    [
      { securityContext: { runAsNonRoot: true, runAsUser: 0 } },
      [
        `platforms.mlflow.values.securityContext.runAsUser: must not be 0 with runAsNonRoot, which prevents the pod from starting; write a user ID such as 1000 ${FITS}`,
      ],
    ],
    [
      { imagePullSecrets: ["regcred"] },
      [`platforms.mlflow.values.imagePullSecrets[0]: must be an object with a name; write { name: "regcred" } ${FITS}`],
    ],
    [
      { ingress: { hosts: [{ host: "ml_flow.example.com", paths: [{ path: "/", pathType: "prefix" }] }] } },
      [
        `platforms.mlflow.values.ingress.hosts[0].host: ${HOST} ${FITS}`,
        `platforms.mlflow.values.ingress.hosts[0].paths[0].pathType: must be one of Exact, Prefix, ImplementationSpecific; case matters ${FITS}`,
      ],
    ],
    [{ ingress: { hosts: [{ host: "10.0.0.7" }] } }, [`platforms.mlflow.values.ingress.hosts[0].host: ${HOST} ${FITS}`]],
  ])("%j", (values, messages) => {
    expect(said(values)).toEqual(messages);
  });

  it.each<JsonObject>([
    { resources: { requests: { cpu: 0.5, memory: "1.5Gi", "nvidia.com/gpu": 1 }, limits: { memory: "2e9", "ephemeral-storage": "10G" } } },
    { resources: { requests: { cpu: "100m" }, limits: { cpu: null } } },
    { resources: {} },
    { service: { type: "NodePort" }, image: { pullPolicy: "IfNotPresent" } },
    { nodeSelector: { "kubernetes.io/arch": "arm64" }, podAnnotations: {} },
    { tolerations: [{ operator: "Exists" }, { key: "gpu", operator: "Exists", value: "" }, { key: "a", value: "b", effect: "" }] },
    {
      resources: { limits: { memory: "64Mi", cpu: "1m" } },
      ingress: { hosts: [{ host: "*.example.com" }, { host: "{{ .Values.host }}" }] },
    },
    { readinessProbe: { successThreshold: 2 }, livenessProbe: { successThreshold: 1 } },
    { securityContext: { runAsNonRoot: true, runAsUser: 1001 }, podSecurityContext: { runAsUser: 0 } },
    { imagePullSecrets: [{ name: "regcred" }] },
    {
      affinity: {
        podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "zone" } }] },
      },
    },
    { extraContainers: [{ name: "logs", image: "it:1", env: [{ name: "A", value: "", valueFrom: { fieldRef: {} } }] }] },
    { extraContainers: [{ name: "logs", image: "it:1", options: [{ name: "depth", value: 3 }] }] },
    { listener: { host: "0.0.0.0:8080" } },
    { resources: { requests: { memory: 0 } } },
    { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{}] } } } },
  ])("are not in the way of what Kubernetes takes: %j", (values) => {
    expect(said(values)).toEqual([]);
  });
});
