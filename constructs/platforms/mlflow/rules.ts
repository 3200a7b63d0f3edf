import { violation } from "../../model/errors";
import { isObject, type JsonObject } from "../../model/json";
import type { PlatformRule } from "../../model/platform";
import type { MlflowFields } from "./settings";

/** MLflow's page on network protection. */
const MLFLOW_SECURITY = "https://mlflow.org/docs/latest/self-hosting/security/network";

/** Whether the chart's values make it write `--uvicorn-opts`, as they do unless told. */
export function setsUvicorn({ log, extraArgs }: JsonObject): boolean {
  const isLogging = !isObject(log) || log.enabled !== false;
  return isLogging && !(isObject(extraArgs) && "gunicornOpts" in extraArgs);
}

export const mlflowRules: readonly PlatformRule<MlflowFields>[] = [
  {
    id: "mlflow-knows-its-hosts-and-origins",
    source: MLFLOW_SECURITY,
    date: "2026-11-30",
    severity: "warning",
    check: ({ hosts, origins }, path) =>
      Object.entries({ hosts, origins })
        .filter(([, entries]) => entries.includes("*"))
        .map(([field, entries]) =>
          violation(
            `${path}.${field}`,
            "turns off a check that keeps other sites' pages from using MLflow through a visitor's browser",
            entries,
            "name them one by one",
          ),
        ),
    passing: { hosts: ["mlflow.example.com"], origins: ["https://portal.example.com"] },
    failing: { hosts: ["*"] },
  },
];
