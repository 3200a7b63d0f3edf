import { inPod, reloadOnSecretChange } from "../../kubernetes/pod";
import { type Guard, THE_CONNECTION } from "../../model/guards";
import type { JsonObject } from "../../model/json";
import type { Tls } from "../../model/platform";
import {
  FLYTE_CHARTS,
  type FlyteEdition,
  imageValues,
  localDatabase,
  ONE_CONFIGURATION,
  options,
  POOL_SETTINGS,
  passwordFile,
  SIMPLE_PROTOCOL,
} from "./edition";
import flyteCore1 from "./facts/flyte-core-v1.16.8.json";
import { adminRevision, adminServers, FLYTE_1_SERVICES, migrations } from "./flyte-1";

/** Where the chart mounts the complete database Secret in every container that logs in. */
const SECRET_PATH = "/etc/db";
const PASSWORD = "pass.txt";
const CA = "ca.pem";
const ADMIN = "flyteadmin";
const CATALOG = "datacatalog";

const THE_BUDGET: Guard = { because: "the budget assumes at most twice the pods during an update" };
const IMAGES: Guard = { setting: "images" };

const SERVERS = adminServers("flyteadmin");

const caFile = (tls: Tls): string => (tls.mode === "proxy" ? "" : `${SECRET_PATH}/${CA}`);

/** Flyte 1 with a pod for each service, and a database for flyteadmin and for datacatalog. */
export const core1: FlyteEdition = {
  chart: {
    name: "flyte-core",
    repository: FLYTE_CHARTS,
    verified: [flyteCore1],
    supported: { oldest: ["v1.16.0"], form: "v1.16.0 or newer 1.x, with its leading v", unverified: "v1.16.7" },
  },
  servers: SERVERS,
  images: ["flyteadmin", "datacatalog", "flytescheduler"],
  imageFacts: FLYTE_1_SERVICES,
  serviceAccounts: ({ scheduler }) => ["flyteadmin", "datacatalog", ...(scheduler ? ["flytescheduler"] : [])],
  // No value adds an init container, and other sidecars start after the migrations.
  sidecarBeforeMigrations: false,
  transactionPooling: SIMPLE_PROTOCOL,
  health: { path: "/healthcheck", asksDatabase: false },
  guarded: [
    {
      forceNamespace: { setting: "namespace" },
      common: { databaseSecret: THE_CONNECTION },
      storage: {
        // Its files would become part of Flyte's configuration.
        secretName: ONE_CONFIGURATION,
      },
      db: {
        // Flyte reads its keys in any case, and the chart copies them all.
        admin: THE_CONNECTION,
        datacatalog: THE_CONNECTION,
      },
      flyteadmin: {
        replicaCount: { setting: "replicas" },
        autoscaling: { setting: "replicas" },
        strategy: THE_BUDGET,
        configPath: ONE_CONFIGURATION,
        extraArgs: ONE_CONFIGURATION,
        envFrom: { because: "variables can change the connection; list them in flyteadmin.env" },
        image: { repository: IMAGES, tag: IMAGES },
      },
      datacatalog: {
        replicaCount: { setting: "replicas" },
        autoscaling: { setting: "replicas" },
        strategy: THE_BUDGET,
        configPath: ONE_CONFIGURATION,
        extraArgs: ONE_CONFIGURATION,
        image: { repository: IMAGES, tag: IMAGES },
      },
      flytescheduler: {
        strategy: THE_BUDGET,
        configPath: ONE_CONFIGURATION,
        image: { repository: IMAGES, tag: IMAGES },
      },
      cluster_resource_manager: { strategy: THE_BUDGET },
      workflow_scheduler: { enabled: { setting: "scheduler" }, type: { setting: "scheduler" } },
    },
    { db: { admin: { database: POOL_SETTINGS }, datacatalog: { database: POOL_SETTINGS } } },
  ],
  databases: () => ({ admin: { name: ADMIN, extensions: [] }, catalog: { name: CATALOG, extensions: [] } }),
  revisions: (settings) => [adminRevision("admin", settings, SERVERS)],
  connections: ({ maxOpenConnections: pool, replicas, scheduler }) => [
    // Its signal service opens a second pool.
    { opener: "flyteadmin", pool, processes: 2, replicas, overlaps: true, migration: 0 },
    { opener: "datacatalog", pool, processes: 1, replicas, overlaps: true, migration: 0 },
    { opener: "syncresources", pool, processes: 1, replicas: 1, overlaps: true, migration: 0 },
    ...(scheduler ? [{ opener: "flytescheduler", pool, processes: 1, replicas: 1, overlaps: true, migration: 0 }] : []),
  ],
  secret: ({ tls }) => ({
    // Flyte joins the DSN as `user=postgres password=<this> <options>`, and the last user wins.
    [PASSWORD]: [{ field: "password", encoding: "raw" }, " user=", { field: "username", encoding: "raw" }],
    // Init containers and syncresources mount only this Secret.
    ...(tls.mode === "proxy" ? {} : { [CA]: [{ caText: true }] }),
  }),
  values: (connection, settings) => {
    const { host, port, databases, secret, tls } = connection;
    const database = (dbname: string | undefined): JsonObject => ({
      host,
      port,
      dbname,
      passwordPath: `${SECRET_PATH}/${PASSWORD}`,
      options: inPod(options(tls, settings), caFile(tls)),
      maxOpenConnections: settings.maxOpenConnections,
      maxIdleConnections: settings.maxOpenConnections,
      connMaxLifeTime: settings.connMaxLifeTime,
    });
    const annotations = reloadOnSecretChange(secret);
    const pods = (image: string) => ({ replicaCount: settings.replicas, annotations, image: imageValues(settings.images[image]) });
    return {
      common: { databaseSecret: { name: secret } },
      db: { admin: { database: database(databases.admin) }, datacatalog: { database: database(databases.catalog) } },
      flyteadmin: pods("flyteadmin"),
      datacatalog: pods("datacatalog"),
      cluster_resource_manager: { annotations },
      flytescheduler: settings.scheduler ? { annotations, image: imageValues(settings.images.flytescheduler) } : undefined,
      workflow_scheduler: settings.scheduler ? { enabled: true, type: "native" } : { enabled: false },
    };
  },
  migrate: (connection, settings) =>
    migrations(
      connection,
      settings,
      { admin: connection.databases.admin ?? "", catalog: connection.databases.catalog ?? "" },
      {
        secretPath: SECRET_PATH,
        credentials: [`--database.postgres.passwordPath=${SECRET_PATH}/${PASSWORD}`],
        caFile: caFile(connection.tls),
      },
    ),
  files: (connection, settings) => ({
    "flyteadmin.yaml": ["database:\n", ...localDatabase(connection, connection.databases.admin ?? "", settings, "  ")],
    "datacatalog.yaml": ["database:\n", ...localDatabase(connection, connection.databases.catalog ?? "", settings, "  ")],
    ...passwordFile,
  }),
  notes: ({ replicas }) => [
    "If you render without a cluster (helm template, Argo CD), pass --api-versions apiextensions.k8s.io/v1/CustomResourceDefinition: otherwise the chart writes a v1beta1 definition, which current clusters reject.",
    ...(replicas > 1
      ? [
          "Flyte 1 takes no lock while it migrates. Before you install or upgrade with several replicas, apply migrate-job.yaml and wait for it.",
        ]
      : []),
  ],
};
