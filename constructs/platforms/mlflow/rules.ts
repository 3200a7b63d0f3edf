import { type Violation, violation } from "../../model/errors";
import { splitImage } from "../../model/images";
import { isObject, type JsonObject } from "../../model/json";
import type { PlatformRule } from "../../model/platform";
import { checkItems } from "../../model/rule";
import { atValue, type Path } from "../../model/values";
import { matchesStrangers } from "./hosts";
import type { MlflowFields } from "./settings";

/** MLflow's page on network protection. */
const MLFLOW_SECURITY = "https://mlflow.org/docs/latest/self-hosting/security/network";

/** A mirror or a custom build may have the driver. */
const OWN_IMAGE = "ghcr.io/mlflow/mlflow";

/** Whether the chart writes `--uvicorn-opts`, which is its default. */
export function setsUvicorn({ log, extraArgs }: JsonObject): boolean {
  const isLogging = !isObject(log) || log.enabled !== false;
  return isLogging && !(isObject(extraArgs) && "gunicornOpts" in extraArgs);
}

/** The chart writes flags in kebab-case. */
const isDev = (flag: unknown): boolean => typeof flag === "string" && flag.toLowerCase().replaceAll(/[^a-z]/g, "") === "dev";

const inDevelopment = (path: string, at: Path): Violation =>
  atValue(
    path,
    at,
    "is for development, and MLflow does not start with both it and --uvicorn-opts, which the chart sets",
    "remove it; set values.log.level to change how much is logged",
  );

export const mlflowRules: readonly PlatformRule<MlflowFields>[] = [
  {
    id: "mlflow-knows-its-hosts-and-origins",
    why: "A page of another site that a user has open can then read and delete runs through the user's browser.",
    source: MLFLOW_SECURITY,
    date: "2026-11-30",
    severity: "warning",
    check: ({ hosts, origins }, path) => {
      const open = (field: string, entries: readonly string[], isOpen: (entry: string) => boolean): readonly Violation[] =>
        checkItems(entries, (entry, index) =>
          isOpen(entry)
            ? [
                violation(
                  `${path}.${field}[${index}]`,
                  "disables a check that prevents other sites' pages from using MLflow through a visitor's browser",
                  entry,
                  "list them one by one",
                ),
              ]
            : [],
        );
      return [...open("hosts", hosts, matchesStrangers), ...open("origins", origins, (origin) => origin === "*")];
    },
    passing: { hosts: ["*.example.com"], origins: ["https://portal.example.com"] },
    failing: { hosts: ["*"] },
  },
  {
    id: "mlflow-knows-its-ingress",
    why: "Without ingress.tls, the chart assumes http, so MLflow answers 403 if a load balancer terminates TLS in front of it.",
    source: MLFLOW_SECURITY,
    date: "2026-11-30",
    severity: "warning",
    check: ({ hosts, origins, values: { ingress } }, path) => {
      if (!isObject(ingress) || ingress.enabled !== true || (Array.isArray(ingress.tls) && ingress.tls.length > 0)) return [];
      return checkItems(Array.isArray(ingress.hosts) ? ingress.hosts : [], (entry, index) => {
        const host = isObject(entry) && typeof entry.host === "string" ? entry.host : "";
        if (host === "" || hosts.includes(host) || origins.some((origin) => origin === "*" || origin === `https://${host}`)) return [];
        const rule = "is assumed to use http without ingress.tls, so pages on https get 403";
        return [violation(`${path}.values.ingress.hosts[${index}].host`, rule, host, `write it into ${path}.hosts`)];
      });
    },
    passing: { hosts: ["mlflow.example.com"], values: { ingress: { enabled: true, hosts: [{ host: "mlflow.example.com" }] } } },
    failing: { values: { ingress: { enabled: true, hosts: [{ host: "mlflow.example.com" }] } } },
  },
  {
    id: "mlflow-is-not-in-development-mode",
    why: "MLflow rejects `--dev` together with `--uvicorn-opts`, which the chart sets, and does not start.",
    source: "https://github.com/mlflow/mlflow/blob/master/mlflow/cli/__init__.py",
    date: "2026-11-30",
    severity: "error",
    check: ({ values, values: { extraArgs, extraFlags } }, path) =>
      !setsUvicorn(values)
        ? []
        : [
            ...(Array.isArray(extraFlags) ? extraFlags : []).flatMap((flag, index) =>
              isDev(flag) ? [inDevelopment(path, ["extraFlags", { named: String(index) }])] : [],
            ),
            ...Object.keys(isObject(extraArgs) ? extraArgs : {})
              .filter(isDev)
              .map((key) => inDevelopment(path, ["extraArgs", key])),
          ],
    passing: { values: { extraFlags: ["enableWorkspaces"] } },
    failing: { values: { extraFlags: ["dev"] } },
  },
  {
    id: "mlflow-image-has-a-driver",
    why: "MLflow's own image has no PostgreSQL driver (`No module named 'psycopg2'`), so no pod starts; its variant `-full` has one.",
    source: "https://github.com/mlflow/mlflow/blob/master/docker/README.md",
    date: "2026-11-30",
    severity: "error",
    check: ({ images: { mlflow: image = "" } }, path) => {
      const { repository, tag } = splitImage(image);
      return repository === OWN_IMAGE && tag !== "" && !tag.endsWith("-full")
        ? [
            violation(
              `${path}.images.mlflow`,
              "has no PostgreSQL driver",
              image,
              `write ${repository}:${tag}-full, which exists since 3.9.0`,
            ),
          ]
        : [];
    },
    passing: { images: { mlflow: `${OWN_IMAGE}:v3.15.1-full` } },
    failing: { images: { mlflow: `${OWN_IMAGE}:v3.15.1` } },
  },
];
