import type { Misfit } from "../chart-values";
import { isObject, type Json, type JsonObject } from "../json";
import { isNamed, type Path } from "../values";

/** Returns misfits in the value of a key. @param path with the key. */
export type Check = (key: string, value: Json, path: Path) => readonly Misfit[];

/** Whether Helm or a program fills in the value. */
export const isTemplate = (value: unknown): boolean => typeof value === "string" && value.includes("{{");

/** The elements of a list, as `misfitsIn` calls them. */
const elementsOf = (value: Json, path: Path): readonly (readonly [Json, Path])[] =>
  Array.isArray(value)
    ? value.map((item: Json, index) => [
        item,
        [...path, { named: isObject(item) && typeof item.name === "string" ? item.name : String(index) }],
      ])
    : [];

const objectsOf = (value: Json, path: Path): readonly (readonly [JsonObject, Path])[] =>
  elementsOf(value, path).flatMap(([item, own]) => (isObject(item) ? [[item as JsonObject, own] as const] : []));

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const EFFECTS: readonly unknown[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/** The last two since Kubernetes 1.35. */
const OPERATORS: readonly unknown[] = ["Exists", "Equal", "Lt", "Gt"];

const isOther = (value: Json | undefined, words: readonly unknown[]): boolean =>
  typeof value === "string" && value !== "" && !isTemplate(value) && !words.includes(value);

function misfitsOfToleration({ effect, operator, value }: JsonObject, path: Path): readonly Misfit[] {
  const oneOf = (key: string, words: readonly unknown[]) => ({
    path: [...path, key],
    rule: `must be one of ${words.join(", ")}`,
    remedy: "case matters",
  });
  return [
    ...(isOther(effect, EFFECTS) ? [oneOf("effect", EFFECTS)] : []),
    ...(isOther(operator, OPERATORS) ? [oneOf("operator", OPERATORS)] : []),
    ...(operator === "Exists" && typeof value === "string" && value !== "" && !isTemplate(value)
      ? [{ path: [...path, "value"], rule: "must be left out with operator Exists", remedy: "remove it, or use the operator Equal" }]
      : []),
  ];
}

const tolerations: Check = (key, value, path) =>
  /tolerations$/i.test(key) ? objectsOf(value, path).flatMap(([toleration, own]) => misfitsOfToleration(toleration, own)) : [];

const TERMS = /^(required|preferred)DuringSchedulingIgnoredDuringExecution$/;

/** Terms that name pods, and in which topology they are to be together or apart. */
const terms: Check = (key, value, path) => {
  const above = path.at(-2);
  if (!TERMS.test(key) || typeof above !== "string" || !/^pod(Anti)?Affinity$/.test(above)) return [];
  return objectsOf(value, path).flatMap(([item, own]) => {
    const inner = key.startsWith("preferred") ? item.podAffinityTerm : item;
    if (!isObject(inner)) return [];
    const { topologyKey } = inner as JsonObject;
    const term = key.startsWith("preferred") ? [...own, "podAffinityTerm"] : own;
    return topologyKey === undefined || topologyKey === ""
      ? [{ path: [...term, "topologyKey"], rule: "is required", remedy: "write kubernetes.io/hostname or topology.kubernetes.io/zone" }]
      : [];
  });
};

/** Where pods run. */
export const ofPlacement: readonly Check[] = [tolerations, terms];

/** https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#configure-probes */
const probes: Check = (key, value, path) =>
  /^(liveness|startup)Probe$/.test(key) && isObject(value) && Number((value as JsonObject).successThreshold ?? 1) > 1
    ? [{ path: [...path, "successThreshold"], rule: "must be 1", remedy: "remove it; only a readiness probe may have more" }]
    : [];

const isSource = (value: Json | undefined): boolean =>
  isObject(value) && Object.keys(value).some((key) => /^(secretKeyRef|configMapKeyRef|fieldRef|resourceFieldRef|fileKeyRef)$/.test(key));

/** An element of a list of variables. */
const sources: Check = (key, value, path) =>
  Array.isArray(value)
    ? objectsOf(value, [...path])
        .filter(([{ name, value: own, valueFrom }]) => typeof name === "string" && own !== undefined && own !== "" && isSource(valueFrom))
        .map(([, own]) => ({
          path: [...own, "valueFrom"],
          rule: "must not be set together with value",
          remedy: `remove one of the two from ${key}`,
        }))
    : [];

const users: Check = (key, value, path) => {
  if (!/securityContext$/i.test(key) || !isObject(value)) return [];
  const { runAsNonRoot, runAsUser } = value as JsonObject;
  return runAsNonRoot === true && runAsUser === 0
    ? [
        {
          path: [...path, "runAsUser"],
          rule: "must not be 0 with runAsNonRoot, which prevents the pod from starting",
          remedy: "write a user ID such as 1000",
        },
      ]
    : [];
};

const pullSecrets: Check = (key, value, path) =>
  key === "imagePullSecrets"
    ? elementsOf(value, path)
        .filter(([item]) => typeof item === "string" && !isTemplate(item))
        .map(([item, own]) => ({ path: own, rule: "must be an object with a name", remedy: `write { name: "${String(item)}" }` }))
    : [];

/** Settings of containers. */
export const ofContainers: readonly Check[] = [probes, sources, users, pullSecrets];

const LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

const isOfIngress = (path: Path): boolean => path.some((step) => !isNamed(step) && /ingress$/i.test(step));

/** https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ */
const hosts: Check = (key, value, path) =>
  /^host(name)?$/.test(key) && isOfIngress(path) && typeof value === "string" && value !== "" && !isTemplate(value)
    ? HOST.test(value) && !ADDRESS.test(value)
      ? []
      : [
          {
            path,
            rule: "must be a DNS name in lower case, without a scheme, port or path",
            remedy: "write a name such as ml.example.com or *.example.com",
          },
        ]
    : [];

export const ofIngresses: readonly Check[] = [hosts];
