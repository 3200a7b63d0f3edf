import { violation } from "../../model/errors";
import type { PlatformRule } from "../../model/platform";
import type { MlflowFields } from "./mlflow";

export const MLFLOW_CHART = "https://github.com/community-charts/helm-charts/tree/main/charts/mlflow";

export const mlflowRules: readonly PlatformRule<MlflowFields>[] = [
  {
    id: "mlflow-persistence-is-not-a-value",
    source: MLFLOW_CHART,
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
