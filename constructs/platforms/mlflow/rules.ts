import { violation } from "../../model/errors";
import { isObject } from "../../model/json";
import type { PlatformRule } from "../../model/platform";
import type { MlflowSettings } from "./mlflow";

type MlflowRule = Omit<PlatformRule, "check"> & { check(settings: MlflowSettings, path: string): ReturnType<PlatformRule["check"]> };

const CHART = "https://github.com/community-charts/helm-charts/tree/main/charts/mlflow";

/** Keys of the chart that hold another database's password in clear, or start a database of their own. */
const OWN_DATABASES: readonly string[] = ["postgresql", "mysql"];

const at = (value: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

export const mlflowRules: readonly MlflowRule[] = [
  {
    id: "mlflow-bundled-database",
    source: CHART,
    date: "2026-11-21",
    severity: "error",
    check: ({ values }, path) =>
      OWN_DATABASES.filter((key) => at(values, `${key}.enabled`) === true).map((key) =>
        violation(`${path}.values.${key}.enabled`, "would start a second database in the cluster", true, "remove it"),
      ),
    passing: { values: { postgresql: { enabled: false } } },
    failing: { values: { postgresql: { enabled: true } } },
  },
  {
    id: "mlflow-autoscaling-breaks-the-budget",
    source: CHART,
    date: "2026-11-21",
    severity: "error",
    check: ({ values }, path) =>
      at(values, "autoscaling.enabled") === true
        ? [violation(`${path}.values.autoscaling.enabled`, "would start pods whose connections no budget counts", true, "set replicas")]
        : [],
    passing: { replicas: 3 },
    failing: { values: { autoscaling: { enabled: true } } },
  },
  {
    id: "mlflow-persistence-is-not-a-value",
    source: CHART,
    date: "2026-11-21",
    severity: "error",
    check: ({ values }, path) =>
      Object.hasOwn(values, "persistence")
        ? [
            violation(
              `${path}.values.persistence`,
              "is not a value of the chart, and its schema refuses the installation",
              values.persistence,
              "remove it; artifacts are set by artifactRoot",
            ),
          ]
        : [],
    passing: { values: { artifactRoot: { proxiedArtifactStorage: true } } },
    failing: { values: { persistence: { enabled: true } } },
  },
];
