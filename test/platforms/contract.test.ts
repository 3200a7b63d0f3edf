import Ajv from "ajv";
import { integer } from "../../constructs/model/fields";
import type { JsonObject } from "../../constructs/model/json";
import { definePlatform } from "../../constructs/model/platform";
import { reloadOnSecretChange, tlsMounts, tlsVariables, toEnv } from "../../constructs/model/pod";
import { platforms } from "../../constructs/platforms/registry";
import { platformContract } from "../contract/platform";
import { chartSchema, chartValues, mlflowContainers, prefectContainers } from "../fixtures/charts/containers";

function validator(chart: string): (values: JsonObject) => readonly string[] {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(chartSchema(chart));
  // As Helm does: over the chart's defaults, and without what is undefined.
  return (values) =>
    validate(overlay(chartValues(chart), JSON.parse(JSON.stringify(values))))
      ? []
      : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

function overlay(base: JsonObject, over: JsonObject): JsonObject {
  const isMap = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);
  const merged: Record<string, JsonObject[string]> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const own = base[key];
    merged[key] = isMap(own) && isMap(value) ? overlay(own, value) : value;
  }
  return merged;
}

const prefect = {
  name: "prefect",
  platforms,
  chartValues: chartValues("prefect-server-2026.8.18172642"),
  validate: validator("prefect-server-2026.8.18172642"),
  containers: prefectContainers,
  credentialKeys: ["connection-string"],
  annotations: "commonAnnotations",
  guarded: { values: { server: { replicaCount: 3 } }, path: "server.replicaCount", field: "replicas" },
  list: { path: ["global", "prefect", "env"], item: { name: "PREFECT_LOGGING_LEVEL", value: "DEBUG" } },
};

platformContract({ ...prefect, title: "Prefect, one Deployment", settings: {} });
platformContract({
  ...prefect,
  title: "Prefect with Redis",
  settings: {
    redisHost: "redis.example.internal",
    replicas: 2,
    serviceAccount: "prefect",
    images: { prefect: "registry.example/prefect:1" },
  },
});

const mlflow = {
  name: "mlflow",
  platforms,
  chartValues: chartValues("mlflow-1.11.5"),
  validate: validator("mlflow-1.11.5"),
  containers: mlflowContainers,
  credentialKeys: ["username", "password"],
  annotations: "deploymentAnnotations",
  guarded: { values: { backendStore: { postgres: { host: "other" } } }, path: "backendStore.postgres.host", field: null },
  list: { path: ["extraVolumes"], item: { name: "scratch", emptyDir: {} } },
};

platformContract({ ...mlflow, title: "MLflow", settings: {} });
platformContract({
  ...mlflow,
  title: "MLflow, three replicas",
  settings: { replicas: 3, serviceAccount: "mlflow", images: { mlflow: `registry.example/mlflow@sha256:${"a".repeat(64)}` } },
});

/** A platform that exists only here: adding one takes what stands in this definition, and nothing anywhere else. */
const toy = definePlatform({
  title: "Toy",
  fields: { poolSize: integer({ min: 1, max: 10, default: 2 }) },
  driver: { name: "libpq", dialect: "PG* variables" },
  minimumMajorVersion: 15,
  roleAttributes: [],
  loginParameters: {},
  transactionPooling: { works: true, note: "" },
  images: ["toy"],
  guarded: { "app.replicas": { setting: "replicas" } },
  guardedVariables: ["PG"],
  logsIn: () => ["toy"],
  rules: [],
  chart: () => ({ name: "toy", repository: "https://charts.example", verifiedVersions: ["1.0.0"], source: "https://charts.example/toy" }),
  sidecarBeforeMigrations: () => true,
  databases: () => ({ main: { name: "toy", extensions: [] } }),
  connections: ({ poolSize, replicas }) => [{ opener: "toy", pool: poolSize, processes: 1, replicas, overlaps: true, migration: 0 }],
  wire: (connection, settings) => {
    const mounts = tlsMounts(connection.tls);
    const variables = {
      PGHOST: connection.host,
      PGUSER: { secretKey: "user" },
      PGPASSWORD: { secretKey: "password" },
      ...tlsVariables(connection.tls),
    };
    return {
      secret: { user: [{ field: "username", encoding: "raw" }], password: [{ field: "password", encoding: "raw" }] },
      release: {
        kind: "helm",
        repository: "https://charts.example",
        chart: "toy",
        version: settings.chartVersion,
        wait: true,
        values: {
          annotations: reloadOnSecretChange(connection.secret),
          app: { replicas: settings.replicas, env: toEnv(variables, connection), volumes: mounts?.volumes, mounts: mounts?.volumeMounts },
          inits: connection.tls.mode === "proxy" && connection.tls.sidecar !== null ? [connection.tls.sidecar] : [],
        },
      },
      objects: [],
      variables,
      migrate: null,
      health: { path: "/", asksDatabase: false },
      notes: [],
    };
  },
});

platformContract({
  title: "A sixth platform",
  name: "toy",
  platforms: { toy },
  settings: {},
  chartValues: { annotations: {}, app: { replicas: 1, env: [], volumes: [], mounts: [] }, inits: [] },
  containers: (values) => {
    const app = values.app as { env: JsonObject[]; volumes?: JsonObject[]; mounts?: JsonObject[] };
    return [
      {
        name: "toy",
        env: app.env,
        volumes: app.volumes ?? [],
        volumeMounts: app.mounts ?? [],
        sidecarsBefore: values.inits as JsonObject[],
      },
    ];
  },
  credentialKeys: ["user", "password"],
  annotations: "annotations",
  guarded: { values: { app: { replicas: 2 } }, path: "app.replicas", field: "replicas" },
  list: { path: ["app", "env"], item: { name: "LEVEL", value: "debug" } },
});
