import {
  migrationContainer,
  reloadOnSecretChange,
  serviceAccountValues,
  sidecars,
  tlsMounts,
  tlsVariables,
  toEnv,
} from "../../kubernetes/pod";
import { LIBPQ_QUERY } from "../../model/dead-connections";
import { COMMON_VALUES, type Guard, THE_CONNECTION } from "../../model/guards";
import { type Generation, splitImage } from "../../model/images";
import type { JsonObject } from "../../model/json";
import {
  type Chart,
  type ClientCheck,
  type Connection,
  type Demand,
  definePlatform,
  helmRelease,
  type Migration,
  type Platform,
  type Servers,
  type Variables,
  type WiringDefinition,
} from "../../model/platform";
import { PLAIN_SECRET } from "../../model/secret";
import { LIMITS } from "../limits";
import { AN_ENV_FILE, SERVER_OPTIONS, SERVER_VARIABLES } from "../python-servers";
import { alembic, expectedRevision, startedServer } from "../servers";
import mlflow1 from "./facts/mlflow-1.11.5.json";
import { allowedHosts, allowedOrigins } from "./hosts";
import { mlflowImport } from "./import";
import { mlflowRules, setsUvicorn } from "./rules";
import { type MlflowFields, type MlflowSettings, mlflowFields } from "./settings";

/** The version that the verified chart runs. */
const VERSION = "3.15.1";
const IMAGE = `burakince/mlflow:${VERSION}`;

const HOSTS: Guard = { setting: "hosts" };
const ORIGINS: Guard = { setting: "origins" };
const READER: Guard = { setting: "readFromReplica" };

const IN_CLEAR: Guard = { because: "it would be stored in clear text in the release; name an existing Secret" };

/** MLflow answers probes with any Host, but not clients. */
const CLIENT: ClientCheck = {
  path: "/api/2.0/mlflow/experiments/search?max_results=1",
  refusal: "Invalid Host header",
  setting: "hosts",
};

/**
 * Without a server or login, which libpq reads from its variables; limits for dead connections have no variables. The driver is named
 * because SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3.
 */
const DRIVER = "psycopg2";
const URI = `postgresql+${DRIVER}:///?`;
const STORE_URI = `${URI}${LIBPQ_QUERY}`;

const BACKEND_URI = "MLFLOW_BACKEND_STORE_URI";
/** The option for a read replica: MLflow itself sends reads there, and writes to `STORE_URI`. */
const READER_URI = "MLFLOW_READ_REPLICA_BACKEND_STORE_URI";

/** The runner of jobs, and a consumer for each kind of job and for periodic tasks; each a process that opens engines. */
const JOB_PROCESSES = 8;

/** A process opens an engine for the tracking store, one for the model registry and one for jobs. */
const ENGINES = 3;
/** And, to a read replica, one for the tracking store and one for the model registry. */
const READER_ENGINES = 2;

/**
 * Does the same as the chart's migration, in a session with an advisory lock: MLflow takes none, and pods that start together would
 * migrate at the same time.
 */
const MIGRATE = [
  "import os",
  "import time",
  "from sqlalchemy import event, text",
  "from mlflow.store.db import utils",
  `engine = utils.create_sqlalchemy_engine_with_retry(os.environ["${BACKEND_URI}"])`,
  '@event.listens_for(engine, "connect")',
  "def lift(connection, _):",
  `    connection.cursor().execute("select set_config(name, '0', false) from pg_settings where name in (${LIMITS.map((name) => `'${name}'`).join(", ")})")`,
  "    connection.commit()",
  // The one that tried the engine.
  "engine.dispose()",
  'lock = engine.connect().execution_options(isolation_level="AUTOCOMMIT")',
  // Polls: a waiting statement would hold a snapshot, which some migrations wait for in turn.
  'while not lock.execute(text("select pg_try_advisory_lock(20260814)")).scalar():',
  "    time.sleep(1)",
  "utils._initialize_tables(engine)",
  "lock.close()",
].join("\n");

/** MLflow does not start while its replica has a different revision: waits until the replica has the migration. */
const MIGRATE_BOTH = [
  MIGRATE,
  `reader = utils.create_sqlalchemy_engine_with_retry(os.environ["${READER_URI}"])`,
  "while utils._get_schema_version(reader) != utils._get_schema_version(engine):",
  "    time.sleep(1)",
].join("\n");

const CHART: Chart = {
  name: "mlflow",
  repository: "https://community-charts.github.io/helm-charts",
  verified: [mlflow1],
  // The schema of older versions rejects serverAllowedHosts and image.digest.
  supported: { oldest: ["1.10.0"], form: "1.10.0 or newer", unverified: "1.11.6" },
};

const PSYCOPG2 = "psycopg2-binary==2.9.13";

const MLFLOW_3: Generation = {
  title: "MLflow 3",
  repositories: ["burakince/mlflow", "mlflow/mlflow", "bitnami/mlflow", "bitnamilegacy/mlflow"],
  names: ["mlflow"],
  others: [],
  from: [3],
  below: null,
  because: "MLflow 1 and 2 do not start with --uvicorn-opts, which the chart sets",
  use: IMAGE,
  source: "https://github.com/mlflow/mlflow/pull/17038",
};

const SERVERS: Servers = {
  container: "mlflow",
  versions: [
    { version: VERSION, revision: "6f8d9c3b2a1e", packages: [`mlflow==${VERSION}`, PSYCOPG2], charts: ["1.11.5"] },
    { version: "3.17.2", revision: "dc11669786a5", packages: ["mlflow==3.17.2", PSYCOPG2], charts: [] },
  ],
};

/** Named, so that its settings are documented wherever its type is shown. */
export interface Mlflow extends Platform<MlflowFields, "main"> {}

/** MLflow's tracking server: psycopg2, which reads everything from libpq's variables. */
export const mlflow: Mlflow = definePlatform({
  title: "MLflow",
  fields: mlflowFields,
  driver: { name: "psycopg2", dialect: `postgresql+${DRIVER}:// URL without a server, everything else in libpq's PG* variables` },
  newestMajorVersion: 18,
  transactionPooling: () => ({
    works: true,
    note: "without changes; connect migrations directly to the server, because of the advisory lock",
  }),
  images: () => ["mlflow"],
  imageFacts: ({ values }) => ({ mlflow: setsUvicorn(values) ? { generation: MLFLOW_3 } : {} }),
  guarded: () => [
    COMMON_VALUES,
    {
      replicaCount: { setting: "replicas" },
      autoscaling: { setting: "replicas" },
      extraEnvVars: {
        MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: { setting: "poolSize" },
        MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: { setting: "maxOverflow" },
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: { setting: "jobs" },
      },
      serverAllowedHosts: HOSTS,
      corsAllowedOrigins: ORIGINS,
      image: { repository: { setting: "images" }, tag: { setting: "images" }, digest: { setting: "images" } },
      strategy: { because: "overlapping pods would migrate at the same time" },
      backendStore: THE_CONNECTION,
      postgresql: THE_CONNECTION,
      mysql: THE_CONNECTION,
      auth: { postgres: { password: IN_CLEAR } },
      oidcAuth: { database: { postgres: { password: IN_CLEAR }, uri: IN_CLEAR } },
    },
  ],
  guardedVariables: {
    [BACKEND_URI]: THE_CONNECTION,
    MLFLOW_REGISTRY_STORE_URI: THE_CONNECTION,
    MLFLOW_WORKSPACE_STORE_URI: THE_CONNECTION,
    MLFLOW_GATEWAY_RATE_LIMITS_STORAGE_URI: THE_CONNECTION,
    MLFLOW_TRACKING_URI: THE_CONNECTION,
    MLFLOW_REGISTRY_URI: THE_CONNECTION,
    MLFLOW_AUTH_CONFIG_PATH: { because: "its file names a database; enable auth, and the chart writes that file" },
    [READER_URI]: READER,
    // Variables that its server passes on to its workers.
    _MLFLOW_SERVER_READ_REPLICA_BACKEND_STORE: READER,
    _MLFLOW_SERVER_FILE_STORE: THE_CONNECTION,
    _MLFLOW_SERVER_REGISTRY_STORE: THE_CONNECTION,
    MLFLOW_ENV_FILE: AN_ENV_FILE,
    ...SERVER_VARIABLES,
    MLFLOW_SQLALCHEMYSTORE_: THE_CONNECTION,
    MLFLOW_WORKERS: { setting: "workers" },
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: { setting: "jobs" },
    MLFLOW_SERVER_ALLOWED_HOSTS: HOSTS,
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: ORIGINS,
    MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE: HOSTS,
  },
  // Gunicorn reads it from its working directory.
  guardedDirectories: ["/mlflow/gunicorn.conf.py"],
  otherPrograms: ["oauth2Proxy", "minio"],
  // The chart writes the keys of `extraArgs` as options in kebab-case, after ours, and options win over variables.
  guardedOptions: {
    "backend-store-uri": THE_CONNECTION,
    "registry-store-uri": THE_CONNECTION,
    "workspace-store-uri": THE_CONNECTION,
    "read-replica-backend-store-uri": READER,
    "allowed-hosts": HOSTS,
    "cors-allowed-origins": ORIGINS,
    "disable-security-middleware": HOSTS,
    ...SERVER_OPTIONS,
  },
  rules: mlflowRules,
  chart: () => CHART,
  // Only because the chart's own check and migration, which would run before it, are off.
  sidecarBeforeMigrations: () => true,
  databases: () => ({ main: { name: "mlflow", extensions: [] } }),
  servers: () => SERVERS,
  revisions: (settings) => [alembic("main", expectedRevision(settings, SERVERS))],
  imports: (settings) => mlflowImport(startedServer(settings, SERVERS).version),
  connections: (settings) => demands(settings, ENGINES, 2),
  readerConnections: (settings) => (settings.readFromReplica ? demands(settings, READER_ENGINES, 1) : []),
  wire,
});

/**
 * `Recreate` ends the old pods first, so nothing overlaps; each pod migrates before its server starts.
 *
 * @param engines of each process, to the counted server.
 * @param migration connections of a migrating pod, to the same server.
 */
function demands(settings: MlflowSettings, engines: number, migration: number): readonly Demand[] {
  const pool = (settings.poolSize + settings.maxOverflow) * engines;
  const { workers, replicas } = settings;
  const server = { opener: "workers", pool, processes: workers, replicas, overlaps: false, migration: migration * replicas };
  // It prepares the stores before it starts its workers, in one thread.
  const parent = { opener: "parent process", pool: 2, processes: 1, replicas, overlaps: false, migration: 0 };
  if (!settings.jobs) return [server, parent];
  return [server, parent, { opener: "jobs", pool, processes: JOB_PROCESSES, replicas, overlaps: false, migration: 0 }];
}

function wire(connection: Connection<"main">, settings: MlflowSettings): WiringDefinition {
  const address: Variables = {
    PGHOST: connection.host,
    PGPORT: String(connection.port),
    PGDATABASE: connection.databases.main,
    PGUSER: { secretKey: "username" },
    PGPASSWORD: { secretKey: "password" },
    ...tlsVariables(connection.tls),
  };
  const pools: Variables = {
    MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: String(settings.poolSize),
    MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: String(settings.maxOverflow),
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: String(settings.jobs),
  };
  const reader = readerVariables(connection);
  const migration: Migration = {
    name: "migrate",
    image: settings.images.mlflow ?? IMAGE,
    command: ["python", "-c", connection.reader === null ? MIGRATE : MIGRATE_BOTH],
    variables: { [BACKEND_URI]: STORE_URI, ...address, ...reader },
    secretPath: null,
  };
  return {
    secret: PLAIN_SECRET,
    release: helmRelease(CHART, settings, releaseValues(connection, settings, { ...pools, ...reader }, migration)),
    variables: {
      [BACKEND_URI]: STORE_URI,
      ...reader,
      MLFLOW_WORKERS: String(settings.workers),
      ...address,
      ...pools,
      ...hostVariables(settings),
    },
    start: { kind: "python", packages: startedServer(settings, SERVERS).packages, command: ["mlflow", "server"] },
    migrate: [migration],
    health: { path: "/health", asksDatabase: false, client: CLIENT },
    notes: notes(settings, connection),
  };
}

function notes({ jobs, hosts }: MlflowSettings, { reader }: Connection): readonly string[] {
  return [
    "Artifacts stay in the pod unless values set artifactRoot.",
    "The chart creates the key that signs sessions. Without a cluster (helm template, Argo CD) each rendering creates a new key: " +
      "in that case set flaskServerSecretKey, or each deployment logs all users out.",
    ...(hosts.length === 0
      ? ["MLflow answers its Service's names, localhost and private addresses; list any other host, such as an ingress's, in hosts."]
      : []),
    ...(reader === null
      ? []
      : [
          "MLflow reads from the read replica, so a reply can be older than the client's latest change, and reads fail while the replica is " +
            "away; to read from the primary, set readFromReplica: false.",
        ]),
    ...(jobs ? [] : ["Jobs within the server are off, because each kind of job opens further pools; to turn them on, set jobs: true."]),
  ];
}

/** On this machine, MLflow's own defaults are sufficient, unless the spec lists a host or an origin. */
function hostVariables(settings: MlflowSettings): Variables {
  if (settings.hosts.length === 0 && settings.origins.length === 0) return {};
  return {
    MLFLOW_SERVER_ALLOWED_HOSTS: allowedHosts(settings).join(","),
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: allowedOrigins(settings).join(","),
  };
}

/** Only the server differs from `STORE_URI`: libpq's variables supply everything else. */
const readerVariables = ({ reader }: Connection): Variables =>
  reader === null ? {} : { [READER_URI]: `${URI}host=${reader.host}&port=${reader.port}&${LIBPQ_QUERY}` };

function releaseValues(connection: Connection<"main">, settings: MlflowSettings, variables: Variables, migration: Migration): JsonObject {
  const mounts = tlsMounts(connection.tls);
  // `extraEnvVars` is a map of plain values.
  const plain = toEnv({ ...tlsVariables(connection.tls), ...variables }, connection).map(({ name, value }) => [name, value] as const);
  return {
    fullnameOverride: settings.release,
    replicaCount: settings.replicas,
    deploymentAnnotations: reloadOnSecretChange(connection.secret),
    // The chart's default starts twice the pods during an update, and all of them migrate.
    strategy: { type: "Recreate" },
    backendStore: {
      // Both run before our containers, without TLS; a sidecar would not have started yet.
      databaseConnectionCheck: false,
      databaseMigration: false,
      postgres: { enabled: true, host: connection.host, port: connection.port, database: connection.databases.main, driver: DRIVER },
      existingDatabaseSecret: { name: connection.secret, usernameKey: "username", passwordKey: "password" },
    },
    // After the chart's own --backend-store-uri: MLflow uses the last one.
    extraArgs: { backendStoreUri: STORE_URI, workers: String(settings.workers) },
    // The chart adds the hosts of its ingress to these values. A variable would override both.
    serverAllowedHosts: allowedHosts(settings),
    corsAllowedOrigins: allowedOrigins(settings),
    extraEnvVars: Object.fromEntries(plain),
    extraVolumes: mounts?.volumes,
    extraVolumeMounts: mounts?.volumeMounts,
    initContainers: [...(sidecars(connection.tls) ?? []), migrationContainer(migration, connection)],
    serviceAccount: serviceAccountValues(connection.serviceAccount),
    image: splitImage(migration.image),
  };
}
