import { caPath, inPod } from "../../kubernetes/pod";
import { GO } from "../../model/dead-connections";
import type { ImageFacts } from "../../model/images";
import { type Connection, definePlatform, type Platform, type ProcessText, type Tls, type WiringDefinition } from "../../model/platform";
import { PLAIN_SECRET } from "../../model/secret";
import pullRequest from "./facts/platform-agnostic-postgresql-f3cc4998a14ece1f0013ff7e32dabd6d846f678a.json";
import { IMAGE_CONTAINERS, overlayImages, overlayPatches, overlayReplacements } from "./overlay";
import { isBefore3, kubeflowPipelinesRules, OWN_IMAGES } from "./rules";
import { type KubeflowPipelinesFields, type KubeflowPipelinesSettings, kubeflowPipelinesFields } from "./settings";

/** The commit of pull request 12379, which adds PostgreSQL. No release included it when this was written; 2.18.0 is planned to be the first. */
const PULL_REQUEST = "f3cc4998a14ece1f0013ff7e32dabd6d846f678a";

const MASTER: ImageFacts = { onlyTag: "master", pinBy: "name one by digest" };

const BASES = "github.com/kubeflow/pipelines/manifests/kustomize";

/** Named, so that its settings are documented wherever its type is shown. */
export interface KubeflowPipelines extends Platform<KubeflowPipelinesFields, "pipelines" | "cache" | "metadata"> {}

/** Kubeflow Pipelines: pgx in API server and cache server, libpq in ML Metadata. No chart: an overlay on upstream's kustomize base. */
export const kubeflowPipelines: KubeflowPipelines = definePlatform({
  title: "Kubeflow Pipelines",
  fields: kubeflowPipelinesFields,
  driver: { name: "pgx and libpq", dialect: "a variable or argument for each part; TLS as JSON for pgx, as flags for ML Metadata" },
  // Two of its servers run CREATE DATABASE at every start, and exit without permission for it, even if the database exists.
  roleAttributes: ["CREATEDB"],
  oncePerCluster: {
    because: "its cluster-wide objects have fixed names, and its base stores objects in namespace kubeflow only",
    source:
      "https://github.com/kubeflow/pipelines/blob/f3cc4998a14ece1f0013ff7e32dabd6d846f678a/manifests/kustomize/base/cache-deployer/cluster-scoped/cache-deployer-clusterrolebinding.yaml#L4-L12",
    date: "2026-11-30",
  },
  rules: kubeflowPipelinesRules,
  chart: () => ({
    name: "platform-agnostic-postgresql",
    repository: "https://github.com/kubeflow/pipelines",
    verified: [pullRequest],
    supported: {
      oldest: ["2.18.0"],
      commits: true,
      form: "2.18.0 or newer, or a commit (40 hex digits) that includes pull request 12379, because earlier releases do not work with PostgreSQL",
      unverified: "2.18.0",
    },
  }),
  images: () => IMAGE_CONTAINERS,
  // Before 3.0, no release supports PostgreSQL, and upstream's master has no other tag.
  imageFacts: ({ chartVersion }) => Object.fromEntries(OWN_IMAGES.map((name) => [name, isBefore3(chartVersion) ? MASTER : {}])),
  transactionPooling: () => ({
    works: true,
    note: "with PgBouncer 1.24 or newer, and an entry for database postgres, where it runs CREATE DATABASE",
  }),
  serviceAccounts: () => ["ml-pipeline", "kubeflow-pipelines-cache", "metadata-grpc-server"],
  sidecarBeforeMigrations: () => true,
  databases: () => ({
    pipelines: { name: "mlpipeline", extensions: [] },
    cache: { name: "cachedb", extensions: [] },
    metadata: { name: "mlmdpostgres", extensions: [] },
  }),
  imports: () => ({
    besides: ["Pipelines, runs and metadata name objects of the object store: keep its bucket, and the prefix within it."],
    mysql:
      "write its pipelines out as manifests with the tools/kubernetes of its repository, and apply them; runs and metadata stay behind " +
      "(https://github.com/kubeflow/pipelines/pull/11884)",
  }),
  // The API server and cache server let GORM compare tables with models, and record nothing.
  revisions: (settings) => [
    {
      database: "metadata",
      table: "mlmdenv",
      newest: "max(schema_version)",
      expected: settings.chartVersion === PULL_REQUEST && settings.images["metadata-grpc"] === undefined ? "10" : null,
    },
  ],
  connections: ({ connections }) => [
    { opener: "API server, cache server and metadata", pool: connections, processes: 1, replicas: 1, overlaps: false, migration: 0 },
  ],
  wire,
});

/** Parameters of pgx, as JSON; without `sslmode` neither server starts. */
function extraParameters(tls: Tls): ProcessText {
  const bounds = JSON.stringify(GO).slice(1);
  if (tls.mode === "proxy") return [`{"sslmode":"disable",${bounds}`];
  return [`{"sslmode":"${tls.mode}","sslrootcert":"`, { caFile: true }, `",${bounds}`];
}

function wire(connection: Connection<"pipelines" | "cache" | "metadata">, settings: KubeflowPipelinesSettings): WiringDefinition {
  const { host, port, databases, tls } = connection;
  const base = (path: string) => `${BASES}/${path}?ref=${settings.chartVersion}`;
  return {
    secret: PLAIN_SECRET,
    release: {
      kind: "kustomize",
      before: [{ base: base("cluster-scoped-resources"), definition: "applications.app.k8s.io" }],
      base: base("env/platform-agnostic-postgresql"),
      images: overlayImages(settings.images),
      patches: overlayPatches(connection, inPod(extraParameters(tls), caPath(tls))),
      replacements: overlayReplacements,
    },
    variables: {
      DBDRIVERNAME: "pgx",
      DBCONFIG_POSTGRESQLCONFIG_HOST: host,
      DBCONFIG_POSTGRESQLCONFIG_PORT: String(port),
      DBCONFIG_POSTGRESQLCONFIG_DBNAME: databases.pipelines,
      DBCONFIG_POSTGRESQLCONFIG_USER: { secretKey: "username" },
      DBCONFIG_POSTGRESQLCONFIG_PASSWORD: { secretKey: "password" },
      DBCONFIG_POSTGRESQLCONFIG_EXTRAPARAMS: extraParameters(tls),
    },
    health: { path: "/apis/v2beta1/healthz", asksDatabase: false },
    notes: [
      "Upstream calls PostgreSQL a feature for development and evaluation until 3.0. ML Metadata may write a type twice under concurrent runs (issue 14353).",
      "The base uses images without PostgreSQL; this file replaces them. The images that run in pipelines (V2_DRIVER_IMAGE, V2_LAUNCHER_IMAGE) stay those of the base.",
      "The object store (SeaweedFS) and its Secret mlpipeline-minio-artifact stay as upstream defines them, with a publicly known password.",
      "As in upstream, the cache server and ML Metadata receive the password as an argument. Anyone who can exec into their pods, or see the processes of their nodes, can read it.",
      `platform.env is for the API server. The cache server takes --db_driver=pgx, --db_host, --db_port, --db_name=${databases.cache}, --db_user, --db_password and --db_extra_params; ML Metadata --metadata_source_config_type=postgresql and --postgres_config_*.`,
    ],
  };
}
