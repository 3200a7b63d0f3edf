import { type Misfit, toViolations } from "../chart-values";
import { isObject, type Json, type JsonObject } from "../json";
import type { PlatformRule } from "../platform";
import { isNamed, type Path } from "../values";
import { type Check, isTemplate, ofContainers, ofIngresses, ofPlacement } from "./kubernetes-fields";

const RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/";

/** Rules about values that Kubernetes rejects, directly or as the chart writes them. */
export const kubernetesRules = (kind: string): readonly PlatformRule[] => [quantitiesRule(kind), textsRule(kind), unitsRule(kind)];

function quantitiesRule(kind: string): PlatformRule {
  return {
    id: `${kind}-values-fit-kubernetes`,
    why: "The API server rejects the object after Helm has installed part of the release.",
    source: RESOURCES,
    date: "2026-11-30",
    severity: "error",
    check: ({ values }, path) => toViolations(misfitsIn(values, [], CHECKS), path),
    passing: { values: { resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: { memory: "2Gi" } } } },
    failing: { values: { resources: { requests: { memory: "2 GB" } } } },
  };
}

function textsRule(kind: string): PlatformRule {
  return {
    id: `${kind}-labels-are-texts`,
    why: "If a chart copies labels, variables and tolerations unchanged, a number or boolean reaches the API server, which accepts only strings there.",
    source: LABELS,
    date: "2026-11-30",
    severity: "warning",
    check: ({ values }, path) => toViolations(misfitsIn(values, [], [texts]), path),
    passing: { values: { nodeSelector: { gpu: "true" } } },
    failing: { values: { nodeSelector: { gpu: true } } },
  };
}

function unitsRule(kind: string): PlatformRule {
  return {
    id: `${kind}-resources-have-their-unit`,
    why: "A container with so little memory is killed before it starts, and no node has room for one that requests so many cores.",
    source: RESOURCES,
    date: "2026-11-30",
    severity: "warning",
    check: ({ values }, path) => toViolations(misfitsIn(values, [], [units]), path),
    passing: { values: { resources: { requests: { cpu: "500m", memory: "512Mi" } } } },
    failing: { values: { resources: { requests: { memory: "512m" } } } },
  };
}

/** Returns the misfits that checks find at any key. */
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

function quantityOf(value: unknown): number | null {
  const [, number, unit = ""] = QUANTITY.exec(String(value)) ?? [];
  return number === undefined ? null : Number(number) * (FACTORS[unit] ?? Number.NaN);
}

const KINDS = ["requests", "limits"] as const;

/** The quantities of `resources`, by requests or limits. Flyte's own task settings have other names. */
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
            rule: "must be a Kubernetes quantity",
            remedy: "write a quantity such as 500m, 2 or 2Gi, without a space",
          })),
      )
    : [];

/** Bytes: a container needs more to start. */
const LEAST_MEMORY = 4 * 2 ** 20;
/** Cores: the largest machines of both clouds have no more. */
const MOST_CORES = 896;

const units: Check = (key, value, path) =>
  isResources(key, value)
    ? KINDS.flatMap((kind) =>
        entriesOf(value, kind).flatMap(([resource, amount]) => {
          const quantity = isTemplate(amount) ? null : quantityOf(amount);
          if (quantity === null || quantity === 0) return [];
          const found = { path: [...path, kind, resource] };
          if (resource === "memory" && quantity < LEAST_MEMORY)
            return [{ ...found, rule: "is counted in bytes, and m means a thousandth of a byte", remedy: "write the unit, such as 512Mi" }];
          // A hundred cores are a mistake for a platform's server, but such machines exist.
          return resource === "cpu" && quantity >= 100 && (quantity > MOST_CORES || quantity % 50 === 0)
            ? [{ ...found, rule: `requests ${quantity} cores`, remedy: "write millicores, such as 500m" }]
            : [];
        }),
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
const CHOICES: readonly { readonly key: RegExp; readonly below?: RegExp; readonly inList?: RegExp; readonly words: readonly string[] }[] = [
  { key: /^(image)?PullPolicy$/i, words: ["Always", "IfNotPresent", "Never"] },
  { key: /^type$/, below: /^service$/i, words: ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] },
  { key: /^pathType$/, words: ["Exact", "Prefix", "ImplementationSpecific"] },
  { key: /^whenUnsatisfiable$/, words: ["DoNotSchedule", "ScheduleAnyway"] },
  { key: /^externalTrafficPolicy$/, words: ["Cluster", "Local"] },
  { key: /^operator$/, inList: /^match(Expressions|Fields)$/, words: ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] },
];

const choices: Check = (key, value, path) =>
  typeof value === "string" && value !== "" && !isTemplate(value)
    ? CHOICES.filter(
        ({ key: own, below, inList, words }) =>
          own.test(key) &&
          (below === undefined || below.test(stepAbove(path))) &&
          (inList === undefined || inList.test(listAbove(path))) &&
          !words.includes(value),
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

/** Returns the list that contains the element with a setting. */
const listAbove = (path: Path): string => {
  const [list, item] = path.slice(-3);
  return list === undefined || isNamed(list) || !isNamed(item) ? "" : list;
};

/** Keys that must be unique within a list, by the list's key. */
const UNIQUE: readonly (readonly [list: RegExp, key: string])[] = [
  [/(volumes|containers)$/i, "name"],
  [/volumeMounts$/i, "mountPath"],
];

const twice: Check = (key, value, path) =>
  UNIQUE.filter(([list]) => list.test(key) && Array.isArray(value)).flatMap(([, own]) => {
    const seen = new Set<unknown>();
    return (value as readonly Json[]).flatMap((item, index) => {
      const its = isObject(item) ? item[own] : undefined;
      if (typeof its !== "string" || isTemplate(its)) return [];
      const isFirst = !seen.has(its);
      seen.add(its);
      return isFirst
        ? []
        : [{ path: [...path, { named: String(index) }, own], rule: "appears twice in the list", remedy: "remove one of the two" }];
    });
  });

const CHECKS: readonly Check[] = [quantities, aboveLimits, choices, twice, ...ofContainers, ...ofIngresses, ...ofPlacement];

const TEXT_MAPS = /^(nodeSelector|matchLabels|labels|annotations|(pod|common|extra|service)?(Labels|Annotations))$/;

/** Lists whose elements have a string as their value. */
const TEXT_LISTS = /(env(var(iable)?s?)?|tolerations)$/i;

const isBare = (value: Json | undefined): value is number | boolean => typeof value === "number" || typeof value === "boolean";
const toText = (value: number | boolean, path: Path): Misfit => ({
  path,
  rule: "must be a string",
  remedy: `write it in quotes: "${value}"`,
});

const texts: Check = (key, value, path) => {
  if (TEXT_MAPS.test(key) && isObject(value))
    return Object.entries(value as JsonObject).flatMap(([label, each]) => (isBare(each) ? [toText(each, [...path, label])] : []));
  const list = path.at(-3);
  return key === "value" && isBare(value) && typeof list === "string" && TEXT_LISTS.test(list) && isNamed(path.at(-2))
    ? [toText(value, path)]
    : [];
};
