import { reloadOnSecretChange, serviceAccountValues, sidecars, tlsMounts, tlsVariables, toEnv } from "../../kubernetes/pod";
import { COMMON_VALUES, type Guard, THE_CONNECTION } from "../../model/guards";
import { type Generation, splitImage } from "../../model/images";
import type { JsonObject } from "../../model/json";
import {
  type Chart,
  type Connection,
  type Demand,
  definePlatform,
  helmRelease,
  type Platform,
  type Servers,
  type Variables,
  type WiringDefinition,
} from "../../model/platform";
import { databaseUrl } from "../../model/secret";
import { LIFTED } from "../limits";
import { AN_ENV_FILE } from "../python-servers";
import { alembic, expectedRevision, startedServer } from "../servers";
import prefectServer from "./facts/prefect-server-2026.8.18172642.json";
import { prefectImport } from "./import";
import { prefectExclusive, prefectRules } from "./rules";
import { type PrefectFields, type PrefectSettings, prefectFields } from "./settings";

const A_PROFILE: Guard = { because: "a profile can change the connection" };
const REDIS: Guard = { setting: "redisHost" };
const ONE_PROCESS: Guard = { because: "the budget counts one process per pod" };

const SECRET_KEY = "connection-string";
/** The version that the verified chart runs. */
const VERSION = "3.8.3";
const IMAGE = `prefecthq/prefect:${VERSION}-python3.11`;
/** The oldest that this version allows. It uses functions that FastAPI 0.165 removed, and pip would install that version. */
const FASTAPI = "fastapi==0.139.0";
const URL_VARIABLE = "PREFECT_SERVER_DATABASE_CONNECTION_URL";
/**
 * Prevents the server's limits from ending the migration. asyncpg does not read `PGOPTIONS`, and SQLAlchemy passes a URL's query to it as
 * arguments. Only `dsn` accepts session parameters as text; the URL's own parts win over it.
 *
 * https://github.com/MagicStack/asyncpg/blob/v0.31.0/asyncpg/connect_utils.py
 */
const MIGRATE = `${URL_VARIABLE}="$${URL_VARIABLE}?dsn=${encodeURIComponent(`postgresql://?${LIFTED.join("&")}`)}" prefect server database upgrade -y`;

const CHART: Chart = {
  name: "prefect-server",
  repository: "https://prefecthq.github.io/prefect-helm",
  verified: [prefectServer],
  supported: { oldest: ["2026.0.0"], form: "a version of 2026 or newer", unverified: "2026.9.1" },
};

const PREFECT_3: Generation = {
  title: "Prefect 3",
  repositories: ["prefecthq/prefect"],
  names: ["prefect"],
  others: [],
  from: [3],
  below: null,
  // The chart sets PREFECT_SERVER_DATABASE_CONNECTION_URL, and Prefect 2 reads PREFECT_API_DATABASE_CONNECTION_URL.
  because: "Prefect 2 reads its database from another variable and would keep everything in its pod",
  use: IMAGE,
  source: "https://github.com/PrefectHQ/prefect-helm/pull/622",
};

const SERVERS: Servers = {
  container: "prefect",
  versions: [
    { version: VERSION, revision: "50737cdaee36", packages: [`prefect==${VERSION}`, FASTAPI], charts: ["2026.8.18172642"] },
    { version: "3.9.1", revision: "91e2b8f3d6a4", packages: ["prefect==3.9.1"], charts: [] },
  ],
};

/** Named, so that its settings are documented wherever its type is shown. */
export interface Prefect extends Platform<PrefectFields, "main"> {}

/** Prefect's server: asyncpg with SQLAlchemy, and a second, raw asyncpg connection that listens for events. */
export const prefect: Prefect = definePlatform({
  title: "Prefect",
  fields: prefectFields,
  driver: { name: "asyncpg", dialect: "postgresql+asyncpg:// URL, TLS by PGSSLMODE and PGSSLROOTCERT (never sslmode in the URL)" },
  newestMajorVersion: 18,
  transactionPooling: () => ({
    works: true,
    note: "with PgBouncer 1.24 or newer without changes, but not for migrate-job.yaml, which lifts limits; automations take effect only after a restart, because LISTEN receives nothing",
  }),
  images: () => ["prefect"],
  imageFacts: () => ({ prefect: { generation: PREFECT_3, pinBy: "name a full version" } }),
  guarded: () => [
    COMMON_VALUES,
    {
      server: {
        replicaCount: { setting: "replicas" },
        autoscaling: { setting: "replicas" },
        args: ONE_PROCESS,
        command: ONE_PROCESS,
        extraArgs: ONE_PROCESS,
        updateStrategy: { because: "the budget assumes at most twice the pods during an update" },
      },
      backgroundServices: {
        runAsSeparateDeployment: { setting: "redisHost" },
        messaging: { setting: "redisHost" },
        replicaCount: { because: "the budget counts one" },
        args: ONE_PROCESS,
        command: ONE_PROCESS,
        serviceAccount: { create: { setting: "serviceAccount", unless: true }, name: { setting: "serviceAccount" } },
      },
      migrations: { enabled: { setting: "redisHost" } },
      global: {
        prefect: {
          env: [
            { name: "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE", guard: { setting: "poolSize" } },
            { name: "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW", guard: { setting: "maxOverflow" } },
          ],
          image: { repository: { setting: "images" }, prefectTag: { setting: "images" } },
        },
      },
      namespaceOverride: { setting: "namespace" },
      externalDatabase: THE_CONNECTION,
      secret: THE_CONNECTION,
      postgresql: THE_CONNECTION,
      sqlite: THE_CONNECTION,
    },
  ],
  guardedVariables: {
    // Prefect also reads a whole section from one variable, as JSON, which wins over the variables for each setting.
    PREFECT_SERVER_DATABASE: THE_CONNECTION,
    "PREFECT_SERVER=": THE_CONNECTION,
    PREFECT_API_DATABASE_: THE_CONNECTION,
    PREFECT_SQLALCHEMY_POOL_SIZE: { setting: "poolSize" },
    PREFECT_SQLALCHEMY_MAX_OVERFLOW: { setting: "maxOverflow" },
    PREFECT_PROFILES_PATH: A_PROFILE,
    "PREFECT_HOME=": A_PROFILE,
    "HOME=": A_PROFILE,
    // The chart writes them, and the user's come after them.
    PREFECT_REDIS_MESSAGING_HOST: REDIS,
    PREFECT_REDIS_MESSAGING_PORT: REDIS,
    PREFECT_REDIS_MESSAGING_DB: REDIS,
    PREFECT_REDIS_MESSAGING_PASSWORD: { setting: "redisSecret" },
    PREFECT_SERVER_DOCKET_URL: REDIS,
    PREFECT_MESSAGING_: REDIS,
    PREFECT_SERVER_EVENTS_MESSAGING_: REDIS,
    "WEB_CONCURRENCY=": ONE_PROCESS,
    "UVICORN_WORKERS=": ONE_PROCESS,
    "UVICORN_ENV_FILE=": AN_ENV_FILE,
  },
  variablesInAnyCase: true,
  guardedOptions: { workers: ONE_PROCESS },
  otherPrograms: ["redis"],
  // Its settings' files: `.env`, `prefect.toml` and `pyproject.toml` where it starts, and its profiles.
  guardedDirectories: ["/home/prefect"],
  rules: prefectRules,
  exclusive: prefectExclusive,
  chart: () => CHART,
  // The migration Job supports neither init containers nor sidecars.
  sidecarBeforeMigrations: (settings) => settings.redisHost === null,
  databases: () => ({ main: { name: "prefect", extensions: ["pg_trgm"] } }),
  servers: () => SERVERS,
  revisions: (settings) => [alembic("main", expectedRevision(settings, SERVERS))],
  imports: (settings) => prefectImport(startedServer(settings, SERVERS).version),
  connections,
  wire,
});

/**
 * The pool of each process, its LISTEN connection, and the engine of `db_vacuum`, which every process may run and which has one
 * connection. A migration has a separate engine.
 *
 * https://github.com/PrefectHQ/prefect/blob/3.9.1/src/prefect/server/services/db_vacuum.py
 */
function connections(settings: PrefectSettings): readonly Demand[] {
  const pool = settings.poolSize + settings.maxOverflow + 2;
  const server = { opener: "server", pool, processes: 1, replicas: settings.replicas, overlaps: true, migration: 2 };
  if (settings.redisHost === null) return [server];
  return [server, { opener: "background services", pool, processes: 1, replicas: 1, overlaps: true, migration: 0 }];
}

function wire(connection: Connection<"main">, settings: PrefectSettings): WiringDefinition {
  const environment: Variables = {
    ...tlsVariables(connection.tls),
    PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE: String(settings.poolSize),
    PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW: String(settings.maxOverflow),
  };
  const variables = { [URL_VARIABLE]: { secretKey: SECRET_KEY }, ...environment };
  // The migration Job is a post-install hook, and without tables the server never becomes ready: waiting would never end.
  const wait = settings.redisHost === null;
  return {
    secret: { [SECRET_KEY]: databaseUrl("postgresql+asyncpg", connection, connection.databases.main) },
    release: helmRelease(CHART, settings, releaseValues(connection, settings, environment), wait),
    variables,
    start: { kind: "python", packages: startedServer(settings, SERVERS).packages, command: ["prefect", "server", "start"] },
    migrate: [
      {
        name: "migrate",
        image: settings.images.prefect ?? IMAGE,
        command: ["/bin/bash", "-c", MIGRATE],
        // The Job runs as a user whose home it cannot write.
        variables: { ...variables, PREFECT_HOME: "/tmp/prefect" },
        secretPath: null,
      },
    ],
    health: { path: "/api/ready", asksDatabase: true },
    notes: [
      ...(settings.redisHost === null ? [] : ["Install without --wait or --atomic: the migration runs in a hook after the installation."]),
      "Prefect's pages call http://localhost:4200/api: if browsers use another address, set server.uiConfig.prefectUiApiUrl in values.",
    ],
  };
}

function releaseValues(connection: Connection<"main">, settings: PrefectSettings, environment: Variables): JsonObject {
  const mounts = tlsMounts(connection.tls);
  const volumes = mounts === null ? {} : { extraVolumes: mounts.volumes, extraVolumeMounts: mounts.volumeMounts };
  const sidecar = { extraInitContainers: sidecars(connection.tls) };
  const separate = settings.redisHost !== null;
  return {
    fullnameOverride: settings.release,
    commonAnnotations: reloadOnSecretChange(connection.secret),
    // Without this, the chart starts its own database server as well.
    postgresql: { enabled: false },
    sqlite: { enabled: false },
    externalDatabase: { existingSecret: connection.secret, connectionStringSecretKey: SECRET_KEY },
    global: { prefect: { env: toEnv(environment, connection), image: imageValues(settings.images.prefect ?? IMAGE) } },
    server: { replicaCount: settings.replicas, ...volumes, ...sidecar },
    serviceAccount: serviceAccountValues(connection.serviceAccount),
    backgroundServices: separate
      ? {
          runAsSeparateDeployment: true,
          replicaCount: 1,
          messaging: messagingValues(settings),
          ...volumes,
          ...sidecar,
          serviceAccount: serviceAccountValues(connection.serviceAccount),
        }
      : { runAsSeparateDeployment: false },
    // The Job's script needs pipefail, which the image's /bin/sh lacks.
    migrations: separate ? { enabled: true, entrypoint: ["/bin/bash", "-c"], ...volumes } : undefined,
  };
}

function imageValues(image: string): JsonObject {
  const { repository, tag } = splitImage(image);
  return { repository, prefectTag: tag };
}

function messagingValues({ redisHost, redisPort, redisSecret }: PrefectSettings): JsonObject {
  return {
    redis: { host: redisHost, port: redisPort, ...(redisSecret === null ? {} : { existingSecret: redisSecret }) },
    docket: redisSecret === null ? { url: `redis://${redisHost}:${redisPort}/0` } : { existingSecret: redisSecret },
  };
}
