import { type Misfit, toViolations } from "../chart-values";
import { isObject, type Json, type JsonObject } from "../json";
import type { PlatformRule } from "../platform";
import { isNamed, type Path } from "../values";

const RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/";

/** Values that Kubernetes refuses, or that a chart may write as what Kubernetes refuses. */
export const kubernetesRules = (kind: string): readonly PlatformRule[] => [quantitiesRule(kind), textsRule(kind)];

function quantitiesRule(kind: string): PlatformRule {
  return {
    id: `${kind}-values-fit-kubernetes`,
    why: "The API server rejects the object after Helm has installed half of the release.",
    source: RESOURCES,
    date: "2026-11-30",
    severity: "error",
    check: ({ values }, path) => toViolations(misfitsIn(values, [], [quantities, aboveLimits, choices]), path),
    passing: { values: { resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: { memory: "2Gi" } } } },
    failing: { values: { resources: { requests: { memory: "2 GB" } } } },
  };
}

function textsRule(kind: string): PlatformRule {
  return {
    id: `${kind}-labels-are-texts`,
    why: "A chart that copies labels as they are writes a number or a truth value, and the API server takes texts only.",
    source: LABELS,
    date: "2026-11-30",
    severity: "warning",
    check: ({ values }, path) => toViolations(misfitsIn(values, [], [texts]), path),
    passing: { values: { nodeSelector: { gpu: "true" } } },
    failing: { values: { nodeSelector: { gpu: true } } },
  };
}

type Check = (key: string, value: Json, path: Path) => readonly Misfit[];

/** What checks find at any key. */
function misfitsIn(value: Json | undefined, path: Path, checks: readonly Check[]): readonly Misfit[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, index) => {
      const named = isObject(item) && typeof item.name === "string" ? item.name : String(index);
      return misfitsIn(item, [...path, { named }], checks);
    });
  }
  if (!isObject(value)) return [];
  return Object.entries(value as JsonObject).flatMap(([key, child]) =>
    child === undefined
      ? []
      : [...checks.flatMap((check) => check(key, child, [...path, key])), ...misfitsIn(child, [...path, key], checks)],
  );
}

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;
const FACTORS: Readonly<Record<string, number>> = {
  "": 1,
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

const isTemplate = (value: unknown): boolean => typeof value === "string" && value.includes("{{");

function quantityOf(value: unknown): number | null {
  const [, number, unit = ""] = QUANTITY.exec(String(value)) ?? [];
  return number === undefined ? null : Number(number) * (FACTORS[unit] ?? Number.NaN);
}

const KINDS = ["requests", "limits"] as const;

/** The quantities of `resources`, by requests or limits. Flyte's own settings of tasks are called otherwise. */
const isResources = (key: string, value: Json): value is JsonObject =>
  /^resources$/i.test(key) && isObject(value) && KINDS.some((kind) => isObject((value as JsonObject)[kind]));

const entriesOf = (resources: JsonObject, kind: (typeof KINDS)[number]) => Object.entries((resources[kind] ?? {}) as JsonObject);

const quantities: Check = (key, value, path) =>
  isResources(key, value)
    ? KINDS.flatMap((kind) =>
        entriesOf(value, kind)
          .filter(([, amount]) => amount !== null && !isTemplate(amount) && quantityOf(amount) === null)
          .map(([resource]) => ({
            path: [...path, kind, resource],
            rule: "must be a quantity of Kubernetes",
            remedy: "write it such as 500m, 2 or 2Gi, without a space",
          })),
      )
    : [];

const aboveLimits: Check = (key, value, path) =>
  isResources(key, value)
    ? entriesOf(value, "requests")
        .filter(([resource, amount]) => {
          const limit = quantityOf((value.limits as JsonObject | undefined)?.[resource]);
          const request = quantityOf(amount);
          return limit !== null && request !== null && request > limit;
        })
        .map(([resource]) => ({
          path: [...path, "requests", resource],
          rule: `must be at most limits.${resource}`,
          remedy: "raise the limit, or lower the request",
        }))
    : [];

/** Values of one word, by the keys that lead there. */
const CHOICES: readonly { readonly key: RegExp; readonly below?: RegExp; readonly words: readonly string[] }[] = [
  { key: /^(image)?PullPolicy$/i, words: ["Always", "IfNotPresent", "Never"] },
  { key: /^type$/, below: /^service$/i, words: ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] },
];

const choices: Check = (key, value, path) =>
  typeof value === "string" && value !== "" && !isTemplate(value)
    ? CHOICES.filter(
        ({ key: own, below, words }) => own.test(key) && (below === undefined || below.test(stepAbove(path))) && !words.includes(value),
      ).map(({ words }) => ({
        path,
        rule: `must be one of ${words.join(", ")}`,
        remedy: "case matters",
      }))
    : [];

const stepAbove = (path: Path): string => {
  const above = path.at(-2);
  return above === undefined || isNamed(above) ? "" : above;
};

const TEXT_MAPS = /^(nodeSelector|matchLabels|labels|annotations|(pod|common|extra|service)?(Labels|Annotations))$/;

const texts: Check = (key, value, path) =>
  TEXT_MAPS.test(key) && isObject(value)
    ? Object.entries(value as JsonObject)
        .filter(([, each]) => typeof each === "number" || typeof each === "boolean")
        .map(([label, each]) => ({ path: [...path, label], rule: "must be a text", remedy: `write it in quotes: "${each}"` }))
    : [];
