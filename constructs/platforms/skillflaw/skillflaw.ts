import { integer, nullable, type Settings, text } from "../../model/fields";
import type { JsonObject } from "../../model/json";
import { KUBERNETES_NAME } from "../../model/names";
import {
  type CommonFields,
  type Connection,
  type Demand,
  definePlatform,
  type ProcessText,
  type SecretTemplate,
  THE_CONNECTION,
  type Tls,
  type Wiring,
} from "../../model/platform";
import { caPath, inPod, reloadOnSecretChange, splitImage } from "../../model/pod";
import { alembic } from "../revisions";
import { skillflawRules } from "./rules";

const fields = {
  /** Server processes in each pod. */
  workers: integer({ min: 1, max: 64, default: 1 }),
  /** Connections that each process keeps open. (SkillFlaw's own default is 20.) */
  poolSize: integer({ min: 1, max: 100, default: 5 }),
  /** Further connections under load; 0 is none. (SkillFlaw's own default is 30.) */
  maxOverflow: integer({ min: 0, max: 100, default: 5 }),
  /** Kubernetes Secret with the key (`secret_key`) that encrypts stored credentials; null lets SkillFlaw make one in its volume. */
  secretKeySecret: nullable(text(KUBERNETES_NAME)),
  /** PersistentVolumeClaim for what SkillFlaw keeps in files, writable by several pods; null makes one for one pod. */
  configClaim: nullable(text(KUBERNETES_NAME)),
  /** Redis of your own, for the cache and the job queue; null keeps them within the pod. */
  redisHost: nullable(text({ pattern: /^[A-Za-z0-9.-]+$/, form: "a DNS name" })),
  redisPort: integer({ min: 1, max: 65535, default: 6379 }),
  /** Kubernetes Secret with Redis's `redis-url` (`redis://:password@host:port/0`); null for a Redis without password. */
  redisSecret: nullable(text(KUBERNETES_NAME)),
};

export type SkillflawFields = typeof fields;
type SkillflawSettings = Settings<SkillflawFields & CommonFields>;

const URL_KEY = "SKILLFLAW_DATABASE_URL";
/** The project publishes no other tag. */
const IMAGE = "ghcr.io/cwinux/skillflaw_backend:latest";

/** Pools of its own besides: what writes telemetry, and what locks knowledge bases (20 by default, so it is set). */
const OTHER_POOLS = 4;
/** Its version check and its migration lock open one engine each at a start. */
const START = 2;

/** SkillFlaw's backend, a derivative of Langflow: psycopg, with everything in one URL. The chart is this project's own. */
export const skillflaw = definePlatform({
  title: "SkillFlaw",
  fields,
  driver: { name: "psycopg", dialect: "postgresql:// URL with sslmode and sslrootcert in it" },
  minimumMajorVersion: 15,
  roleAttributes: [],
  loginParameters: {},
  guardedVariables: ["PG", "SKILLFLAW_DATABASE_", "SKILLFLAW_DB_", "SKILLFLAW_POOL_SIZE", "SKILLFLAW_MAX_OVERFLOW", "SKILLFLAW_WORKERS"],
  rules: skillflawRules,
  chart: () => ({
    name: "skillflaw",
    repository: null,
    verifiedVersions: ["0.1.0"],
    supported: { pattern: /^0\.1\.\d+$/, form: "0.1.x" },
    source: "https://docs.skillflaw.com/deployment-kubernetes-prod",
  }),
  images: () => ["skillflaw"],
  guarded: () => ({
    replicaCount: { setting: "replicas" },
    workers: { setting: "workers" },
    image: { setting: "images" },
    "database.existingSecret": THE_CONNECTION,
    "database.urlKey": THE_CONNECTION,
    "database.ca": THE_CONNECTION,
    "database.pool.size": { setting: "poolSize" },
    "database.pool.maxOverflow": { setting: "maxOverflow" },
    "secretKey.existingSecret": { setting: "secretKeySecret" },
    "config.existingClaim": { setting: "configClaim" },
    "redis.host": { setting: "redisHost" },
    "redis.port": { setting: "redisPort" },
    "redis.existingSecret": { setting: "redisSecret" },
    "serviceAccount.create": { setting: "serviceAccount" },
    "serviceAccount.name": { setting: "serviceAccount" },
    fullnameOverride: { setting: "release" },
    command: { because: "the budget counts the processes of the image's own command" },
    args: { because: "the budget counts the processes of the image's own command" },
  }),
  transactionPooling: () => ({
    works: true,
    note: 'SKILLFLAW_DB_DRIVER_CONNECTION_SETTINGS={"prepare_threshold":null}; migrate past the pooler, because of the advisory lock',
  }),
  logsIn: ({ replicas }) => (replicas > 1 ? ["init migrate", "skillflaw"] : ["skillflaw"]),
  sidecarBeforeMigrations: () => true,
  databases: () => ({ main: { name: "skillflaw", extensions: [] } }),
  // What its image expects is known to its image only.
  revisions: () => [alembic("skillflaw", null)],
  connections,
  wire,
});

/** An update ends a pod before it starts the next one. Where there are several, one at a time first starts a server just to migrate. */
function connections({ workers, poolSize, maxOverflow, replicas }: SkillflawSettings): readonly Demand[] {
  const pool = poolSize + maxOverflow + OTHER_POOLS;
  const migration = replicas > 1 ? pool + START + replicas : START;
  return [{ opener: "workers", pool, processes: workers, replicas, overlaps: false, migration }];
}

/** The end of the URL: its version check heeds neither driver settings nor anything else. */
function parameters(tls: Tls): ProcessText {
  if (tls.mode === "proxy") return ["?sslmode=disable"];
  return [`?sslmode=${tls.mode}&sslrootcert=`, { caFile: true }];
}

function wire(connection: Connection<"main">, settings: SkillflawSettings): Wiring {
  const { host, port, databases, tls } = connection;
  const chart = skillflaw.chart(settings);
  const address: SecretTemplate & ProcessText = [
    "postgresql://",
    { field: "username", encoding: "url" },
    ":",
    { field: "password", encoding: "url" },
    `@${host}:${port}/${databases.main}`,
  ];
  return {
    secret: { [URL_KEY]: [...address, inPod(parameters(tls), caPath(tls))] },
    release: {
      kind: "helm",
      repository: chart.repository,
      chart: chart.name,
      version: settings.chartVersion,
      values: releaseValues(connection, settings),
      wait: true,
    },
    objects: [],
    variables: {
      [URL_KEY]: [...address, ...parameters(tls)],
      SKILLFLAW_DATABASE_CONNECTION_RETRY: "True",
      SKILLFLAW_DB_CONNECTION_SETTINGS: JSON.stringify({
        pool_size: settings.poolSize,
        max_overflow: settings.maxOverflow,
        pool_timeout: 30,
        pool_pre_ping: true,
        pool_recycle: 1800,
      }),
      SKILLFLAW_KNOWLEDGE_BASE_STORAGE_POOL_SIZE: "2",
    },
    files: {},
    // Its documentation calls this a preview; its upstream also applies what is missing, as each start does. `--fix` can delete data.
    migrate: [
      {
        name: "migrate",
        image: settings.images.skillflaw ?? IMAGE,
        command: ["skillflaw", "migration"],
        variables: { [URL_KEY]: { secretKey: URL_KEY }, SKILLFLAW_CONFIG_DIR: "/tmp", HOME: "/tmp" },
        secretPath: null,
      },
    ],
    health: { path: "/health", asksDatabase: false },
    notes: notes(settings),
  };
}

function notes({ secretKeySecret }: SkillflawSettings): readonly string[] {
  return [
    "SkillFlaw migrates at its start. migrate-job.yaml runs `skillflaw migration`, which prints the schema's state; `--fix`, which forces it, can delete data: back up first, and add it by hand.",
    "Unless it logs everybody in by itself, SkillFlaw wants a first user: SKILLFLAW_SUPERUSER and SKILLFLAW_SUPERUSER_PASSWORD, from a Secret of yours, in values.extraEnv.",
    ...(secretKeySecret === null
      ? ["The key that encrypts stored credentials lies in the pod's volume only: back the claim up, or name a Secret in secretKeySecret."]
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
    serviceAccount: serviceAccount === null ? undefined : { create: false, name: serviceAccount },
    initContainers: tls.mode === "proxy" && tls.sidecar !== null ? [tls.sidecar] : undefined,
  };
}
