import { caPath, inPod } from "../../kubernetes/pod";
import type { Guard } from "../../model/guards";
import type { Servers } from "../../model/platform";
import { mergeValues } from "../../model/values";
import { expectedRevision } from "../servers";
import { binaryChart, binaryGuarded, binaryValues, CREDENTIALS_FILE, FLYTE_VALUES, IN_CLEAR } from "./binary";
import {
  type FlyteEdition,
  imageValues,
  localDatabase,
  ONE_CONFIGURATION,
  options,
  POOL_SETTINGS,
  passwordFile,
  YAML_PASSWORD,
  YAML_USERNAME,
} from "./edition";
import flyteBinary2 from "./facts/flyte-binary-v2.0.42.json";

/** The chart runs `latest`; this is the image that it was on 2026-08-18, when the chart v2.0.42 was packaged. */
const CONSOLE = "ghcr.io/unionai-oss/flyteconsole-v2@sha256:3cea5ec7ea1ebb2d2b392d60988c028ff45965e3a7eecb0e1ba51d7ec81e6cdb";

/** The namespace in the chart's values, independent of the release's: see `FLYTE_VALUES`. */
const CHART_NAMESPACE = "flyte";
const NAMED_NAMESPACE =
  "The chart runs task pods in namespace flyte and looks for its connector there. Create that namespace first, or set flyte-core-components.actions.kubernetes.namespace and the connector's endpoint (k8s://flyteconnector.NAMESPACE:8000) in values.";

const ONE_HANDLER: Guard = { because: "a probe has one handler, and this one queries the database" };

const SERVERS: Servers = {
  container: "flyte",
  versions: [
    { version: "v2.0.42", revision: "runs/20260722100000_add_actions_paused_idx", packages: [], charts: ["v2.0.42"] },
    { version: "v2.0.43", revision: "runs/20260812100000_add_settings_table", packages: [], charts: [] },
  ],
};

/** Flyte 2: one service with one pool, and a separate listener with lib/pq. Its keys are below `runs.database.postgres`. */
export const binary2: FlyteEdition = {
  chart: binaryChart(flyteBinary2, "v2.0.43"),
  servers: SERVERS,
  images: ["flyte", "wait-for-db", "console"],
  imageFacts: {
    flyte: {
      generation: {
        title: "Flyte 2",
        repositories: ["flyteorg/flyte-binary-v2"],
        names: ["flyte", "flyte-binary", "flyte-binary-v2"],
        others: ["flyte-binary-release", "flyteorg/flyte-binary"],
        from: [2],
        below: null,
        because: "Flyte 1 reads its database from other keys",
        use: "cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.42",
        source: FLYTE_VALUES,
      },
    },
  },
  serviceAccounts: () => [],
  sidecarBeforeMigrations: true,
  transactionPooling: { works: false, note: "it listens for notifications, and its migrations take session locks" },
  health: { path: "/readyz", asksDatabase: true },
  guarded: [
    ...binaryGuarded,
    {
      configuration: {
        inline: { runs: { database: IN_CLEAR } },
        extraInlineConfigMapRefs: ONE_CONFIGURATION,
        extraInlineSecretRefs: ONE_CONFIGURATION,
        database: POOL_SETTINGS,
      },
      deployment: { readinessProbe: { exec: ONE_HANDLER, tcpSocket: ONE_HANDLER, grpc: ONE_HANDLER } },
      console: { image: { repository: { setting: "images" }, tag: { setting: "images" } } },
    },
  ],
  databases: () => ({ main: { name: "flyte", extensions: [] } }),
  revisions: (settings) => [
    {
      database: "main",
      table: "schema_migrations",
      newest: "max(version) filter (where version like 'runs/%')",
      expected: expectedRevision(settings, SERVERS),
    },
  ],
  connections: ({ maxOpenConnections }) => [
    { opener: "flyte", pool: maxOpenConnections, processes: 1, replicas: 1, overlaps: false, migration: 0 },
    { opener: "listener", pool: 1, processes: 1, replicas: 1, overlaps: false, migration: 0 },
  ],
  secret: () => ({
    [CREDENTIALS_FILE]: [
      "runs:\n  database:\n    postgres:\n      username: ",
      ...YAML_USERNAME,
      "\n      password: ",
      ...YAML_PASSWORD,
      "\n",
    ],
  }),
  values: (connection, settings) => {
    const { maxOpenConnections, connMaxLifeTime } = settings;
    const { host, port, databases, secret, tls } = connection;
    return mergeValues(binaryValues(connection, settings), {
      configuration: {
        database: {
          maxOpenConnections,
          maxIdleConnections: maxOpenConnections,
          connMaxLifeTime,
          postgres: { host, port, dbname: databases.main, options: inPod(options(tls, settings), caPath(tls)) },
        },
        inlineSecretRef: secret,
      },
      // The chart's own probe does not query the database.
      deployment: { readinessProbe: { httpGet: { path: "/readyz", port: "http" } } },
      console: { image: imageValues(settings.images.console ?? CONSOLE) },
    });
  },
  migrate: () => [],
  files: (connection, settings) => ({
    "config.yaml": ["runs:\n  database:\n", ...localDatabase(connection, connection.databases.main ?? "", settings, "    ")],
    ...passwordFile,
  }),
  notes: ({ namespace }) => [
    ...(namespace === CHART_NAMESPACE ? [] : [NAMED_NAMESPACE]),
    "Flyte 2 writes its whole database configuration, password included, into its log when it cannot connect: keep its logs restricted, and rotate with --revoke afterwards.",
  ],
};
