import { caPath, inPod, reloadOnSecretChange, serviceAccountValues, sidecars } from "../../kubernetes/pod";
import { LIBPQ_QUERY } from "../../model/dead-connections";
import { COMMON_VALUES, type Guard, THE_CONNECTION } from "../../model/guards";
import { type Generation, splitImage } from "../../model/images";
import type { JsonObject } from "../../model/json";
import {
  type Chart,
  type Connection,
  type Demand,
  definePlatform,
  helmRelease,
  type Migration,
  type Platform,
  type ProcessText,
  type Tls,
  type WiringDefinition,
} from "../../model/platform";
import { databaseUrl } from "../../model/secret";
import { LIFTED } from "../limits";
import { SERVER_VARIABLES } from "../python-servers";
import { alembic } from "../servers";
import skillflaw0 from "./facts/skillflaw-0.1.0.json";
import { skillflawImport } from "./import";
import { IMAGE, PIN_BY, skillflawExclusive, skillflawRules } from "./rules";
import { type SkillflawFields, type SkillflawSettings, skillflawFields } from "./settings";
import { skillflawTables } from "./tables";

const THE_BUDGET: Guard = { because: "the budget assumes the chart's value" };
const THE_CHART: Guard = { because: "the chart sets it to match its volumes and ports" };

const URL_KEY = "SKILLFLAW_DATABASE_URL";

const SKILLFLAW: Generation = {
  title: "SkillFlaw",
  repositories: ["cwinux/skillflaw_backend"],
  names: [],
  others: ["langflowai/langflow", "langflowai/langflow-backend", "langflowai/langflow-all"],
  from: [0],
  below: null,
  because: "Langflow reads its database from another variable and would keep everything in its pod",
  use: "ghcr.io/cwinux/skillflaw_backend by digest",
  source: "https://docs.langflow.org/configuration-custom-database",
};

/** The lock of knowledge bases has a separate pool, of 20 unless it is set. */
const KNOWLEDGE_BASE_POOL = 2;
/** Telemetry has a pool of two. */
const OTHER_POOLS = KNOWLEDGE_BASE_POOL + 2;
/** Its version check and its migration lock open one engine each at a start. */
const START = 2;

const CHART: Chart = {
  name: "skillflaw",
  repository: null,
  verified: [skillflaw0],
  supported: { oldest: ["0.1.0"], form: "0.1.0 or newer", unverified: "0.1.1" },
};

/** Named, so that its settings are documented wherever its type is shown. */
export interface Skillflaw extends Platform<SkillflawFields, "main"> {}

/** SkillFlaw's backend, a derivative of Langflow: psycopg, with everything in one URL. The chart is this project's own. */
export const skillflaw: Skillflaw = definePlatform({
  title: "SkillFlaw",
  fields: skillflawFields,
  driver: { name: "psycopg", dialect: "postgresql:// URL with sslmode and sslrootcert in it" },
  guardedVariables: {
    SKILLFLAW_DATABASE_: THE_CONNECTION,
    SKILLFLAW_USE_NOOP_DATABASE: THE_CONNECTION,
    SKILLFLAW_DB_CONNECTION_SETTINGS: { setting: "poolSize" },
    SKILLFLAW_POOL_SIZE: { setting: "poolSize" },
    SKILLFLAW_MAX_OVERFLOW: { setting: "maxOverflow" },
    SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE: THE_BUDGET,
    SKILLFLAW_WORKERS: { setting: "workers" },
    SKILLFLAW_CACHE_TYPE: { setting: "redisHost" },
    SKILLFLAW_JOB_QUEUE_TYPE: { setting: "redisHost" },
    SKILLFLAW_REDIS_PASSWORD: { setting: "redisSecret" },
    SKILLFLAW_REDIS_URL: { setting: "redisSecret" },
    SKILLFLAW_REDIS_QUEUE_URL: { setting: "redisSecret" },
    SKILLFLAW_REDIS_: { setting: "redisHost" },
    SKILLFLAW_SECRET_KEY_FILE: { setting: "secretKeySecret" },
    SKILLFLAW_CONFIG_DIR: THE_CHART,
    SKILLFLAW_HOST: THE_CHART,
    SKILLFLAW_PORT: THE_CHART,
    "HOME=": THE_CHART,
    MIGRATION_: THE_CHART,
    // Langflow's own names, as far as its derivative left them.
    LANGFLOW_DATABASE_: THE_CONNECTION,
    LANGFLOW_USE_NOOP_DATABASE: THE_CONNECTION,
    LANGFLOW_DB_: { setting: "poolSize" },
    "LANGFLOW_WORKERS=": { setting: "workers" },
    ...SERVER_VARIABLES,
  },
  variablesInAnyCase: true,
  rules: skillflawRules,
  exclusive: skillflawExclusive,
  foreignTables: skillflawTables,
  chart: () => CHART,
  images: () => ["skillflaw"],
  imageFacts: () => ({ skillflaw: { unpinned: IMAGE, pinBy: PIN_BY, generation: SKILLFLAW } }),
  guarded: () => [
    COMMON_VALUES,
    {
      replicaCount: { setting: "replicas" },
      workers: { setting: "workers" },
      image: { setting: "images" },
      database: {
        existingSecret: THE_CONNECTION,
        urlKey: THE_CONNECTION,
        ca: THE_CONNECTION,
        pool: { size: { setting: "poolSize" }, maxOverflow: { setting: "maxOverflow" } },
      },
      secretKey: { existingSecret: { setting: "secretKeySecret" } },
      config: { existingClaim: { setting: "configClaim" } },
      redis: {
        host: { setting: "redisHost" },
        port: { setting: "redisPort" },
        existingSecret: { setting: "redisSecret" },
      },
      command: THE_BUDGET,
      args: THE_BUDGET,
      migration: { command: THE_BUDGET },
    },
  ],
  transactionPooling: () => ({
    works: true,
    note: "with PgBouncer 1.24 or newer without changes, but not while it migrates, because its lock belongs to a session",
  }),
  sidecarBeforeMigrations: () => true,
  databases: () => ({ main: { name: "skillflaw", extensions: [] } }),
  // Only its image knows the expected revision.
  revisions: () => [alembic("main", null)],
  imports: () => skillflawImport,
  connections,
  wire,
});

/**
 * A single pod ends before the next one starts. Several pods are replaced one at a time, while the old one is still ending; each first
 * starts a server with one process to migrate.
 */
function connections(settings: SkillflawSettings): readonly Demand[] {
  const { workers, poolSize, maxOverflow, replicas } = settings;
  const pool = poolSize + maxOverflow + OTHER_POOLS;
  const migration = replicas > 1 ? pool + START + replicas : START;
  const demand = { opener: "workers", pool, processes: workers, replicas, overlaps: false, migration };
  return replicas > 1 ? [demand, { ...demand, opener: "a pod that ends", replicas: 1, migration: 0 }] : [demand];
}

/** The end of the URL: its version check ignores driver settings and everything else. */
function parameters(tls: Tls): ProcessText {
  if (tls.mode === "proxy") return [`?sslmode=disable&${LIBPQ_QUERY}`];
  return [`?sslmode=${tls.mode}&sslrootcert=`, { caFile: true }, `&${LIBPQ_QUERY}`];
}

function wire(connection: Connection<"main">, settings: SkillflawSettings): WiringDefinition {
  const { databases, tls } = connection;
  const address = databaseUrl("postgresql", connection, databases.main);
  return {
    secret: { [URL_KEY]: [...address, inPod(parameters(tls), caPath(tls))] },
    release: helmRelease(CHART, settings, releaseValues(connection, settings)),
    variables: { [URL_KEY]: [...address, ...parameters(tls)], ...poolVariables(settings) },
    // It is not on PyPI. The image starts a server by itself, as in the chart.
    start: { kind: "image", image: settings.images.skillflaw ?? IMAGE },
    migrate: [migration(settings)],
    health: { path: "/health", asksDatabase: false },
    notes: notes(settings),
  };
}

/** The same variables as in the chart's `skillflaw.env`; `test/platforms/skillflaw.test.ts` compares the two. */
function poolVariables({ poolSize, maxOverflow }: SkillflawSettings): Readonly<Record<string, string>> {
  const settings = { pool_size: poolSize, max_overflow: maxOverflow, pool_timeout: 30, pool_pre_ping: true, pool_recycle: 1800 };
  return {
    SKILLFLAW_DATABASE_CONNECTION_RETRY: "True",
    SKILLFLAW_DB_CONNECTION_SETTINGS: JSON.stringify(settings),
    SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE: String(KNOWLEDGE_BASE_POOL),
  };
}

/** libpq's options that prevent the server's limits from ending a migration. */
const UNLIMITED = `PGOPTIONS=${LIFTED.map((each) => `-c ${each}`).join(" ")}`;

/** Its documentation calls this a preview; its upstream also applies missing migrations, as each start does. `--fix` can delete data. */
function migration({ images }: SkillflawSettings): Migration {
  return {
    name: "migrate",
    image: images.skillflaw ?? IMAGE,
    command: ["env", UNLIMITED, "skillflaw", "migration"],
    variables: { [URL_KEY]: { secretKey: URL_KEY }, SKILLFLAW_CONFIG_DIR: "/tmp", HOME: "/tmp" },
    secretPath: null,
  };
}

function notes({ secretKeySecret }: SkillflawSettings): readonly string[] {
  return [
    "SkillFlaw migrates at startup. migrate-job.yaml runs `skillflaw migration`, which its documentation calls a preview; in its upstream, the command also migrates, and exits with 1 if there is no first user yet. `--fix` can delete data: back up first, and add it by hand.",
    "Before you change the image, back up, and scale to 0 (kubectl scale deployment). Never return to an older image on the same database: its upstream then replays all migrations.",
    "Unless automatic login is on, SkillFlaw needs a first user: set SKILLFLAW_SUPERUSER and SKILLFLAW_SUPERUSER_PASSWORD from your Secret in values.extraEnv.",
    ...(secretKeySecret === null
      ? [
          "The key that encrypts stored credentials exists only in the pod's volume: back up the claim, or name a Secret in secretKeySecret.",
        ]
      : []),
  ];
}

function releaseValues(connection: Connection<"main">, settings: SkillflawSettings): JsonObject {
  const { tls, secret, serviceAccount } = connection;
  return {
    fullnameOverride: settings.release,
    annotations: reloadOnSecretChange(secret),
    replicaCount: settings.replicas,
    workers: settings.workers,
    image: splitImage(settings.images.skillflaw ?? IMAGE),
    database: {
      existingSecret: secret,
      urlKey: URL_KEY,
      ca: tls.mode === "proxy" ? undefined : { configMap: tls.ca.configMap, mountPath: tls.ca.mountPath },
      pool: { size: settings.poolSize, maxOverflow: settings.maxOverflow },
    },
    secretKey: settings.secretKeySecret === null ? undefined : { existingSecret: settings.secretKeySecret },
    config: settings.configClaim === null ? undefined : { existingClaim: settings.configClaim },
    redis:
      settings.redisHost === null
        ? undefined
        : {
            host: settings.redisHost,
            port: settings.redisPort,
            ...(settings.redisSecret === null ? {} : { existingSecret: settings.redisSecret }),
          },
    serviceAccount: serviceAccountValues(serviceAccount),
    initContainers: sidecars(tls),
  };
}
