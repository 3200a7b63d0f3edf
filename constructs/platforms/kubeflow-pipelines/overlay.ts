import { caPath, reloadOnSecretChange, sidecars, tlsMounts } from "../../kubernetes/pod";
import { LIBPQ_WORDS } from "../../model/dead-connections";
import { splitImage } from "../../model/images";
import type { JsonObject } from "../../model/json";
import type { Connection, Patch } from "../../model/platform";

/** The ConfigMap in upstream's manifests with the common settings of API server, cache server and metadata. */
const CONFIG_MAP = "pipeline-install-config";
const EXTRA_PARAMETERS = "postgresExtraParams";

/** Upstream's image of each container that logs in. */
const IMAGES: Readonly<Record<string, string>> = {
  "api-server": "ghcr.io/kubeflow/kfp-api-server",
  "cache-server": "ghcr.io/kubeflow/kfp-cache-server",
  "metadata-grpc": "gcr.io/tfx-oss-public/ml_metadata_store_server",
};

/** Names of those containers in the spec. */
export const IMAGE_CONTAINERS = Object.keys(IMAGES);

export function overlayImages(images: Readonly<Record<string, string>>): readonly JsonObject[] {
  return Object.entries(images).map(([container, image]) => {
    const { repository, tag, digest } = splitImage(image);
    return { name: IMAGES[container], newName: repository, ...(digest === "" ? { newTag: tag } : { digest }) };
  });
}

/**
 * Returns patches that connect upstream's PostgreSQL overlay, which includes its own server and Secrets, to an external database.
 *
 * @param extraParameters parameters of pgx, as JSON that contains only strings.
 */
export function overlayPatches(connection: Connection<"pipelines" | "cache" | "metadata">, extraParameters: string): readonly Patch[] {
  const { host, port, databases, secret } = connection;
  const fromSecret = (name: string, key: string): JsonObject => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } });
  const parameters: JsonObject = {
    name: "DBCONFIG_POSTGRESQLCONFIG_EXTRAPARAMS",
    valueFrom: { configMapKeyRef: { name: CONFIG_MAP, key: EXTRA_PARAMETERS } },
  };
  const credentials = [
    fromSecret("DBCONFIG_POSTGRESQLCONFIG_USER", "username"),
    fromSecret("DBCONFIG_POSTGRESQLCONFIG_PASSWORD", "password"),
  ];
  return [
    noServerOfMetadata,
    merge({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: CONFIG_MAP },
      data: {
        postgresHost: host,
        postgresPort: String(port),
        pipelineDb: databases.pipelines,
        cacheDb: databases.cache,
        [EXTRA_PARAMETERS]: extraParameters,
      },
    }),
    deployment("ml-pipeline", connection, { name: "ml-pipeline-api-server", env: [...credentials, parameters] }),
    deployment("cache-server", connection, {
      name: "server",
      env: [...credentials, parameters],
      // A list of arguments is replaced as a whole.
      args: [
        "--db_driver=$(DBCONFIG_DRIVER)",
        "--db_host=$(DBCONFIG_POSTGRESQLCONFIG_HOST)",
        "--db_port=$(DBCONFIG_POSTGRESQLCONFIG_PORT)",
        "--db_name=$(DBCONFIG_DB_NAME)",
        "--db_user=$(DBCONFIG_POSTGRESQLCONFIG_USER)",
        "--db_password=$(DBCONFIG_POSTGRESQLCONFIG_PASSWORD)",
        "--db_extra_params=$(DBCONFIG_POSTGRESQLCONFIG_EXTRAPARAMS)",
        "--namespace_to_watch=$(NAMESPACE_TO_WATCH)",
        "--listen_port=$(WEBHOOK_PORT)",
      ],
    }),
    deployment("metadata-grpc-deployment", connection, {
      name: "container",
      env: [
        fromSecret("POSTGRES_USER", "username"),
        fromSecret("POSTGRES_PASSWORD", "password"),
        { name: "POSTGRES_DBNAME", value: databases.metadata },
      ],
    }),
    metadataArguments(connection),
    ...[
      "Deployment/postgres",
      "Service/postgres-service",
      "PersistentVolumeClaim/postgres-pvc",
      "ServiceAccount/postgresql",
      "Secret/postgres-secret",
    ].map(remove),
    // A leftover of MySQL, which nothing uses and a later release may remove.
    { target: { kind: "Secret", name: "mysql-secret" }, patch: removal("Secret", "mysql-secret") },
  ];
}

/**
 * Bases without pull request 12379 include a second server, for ML Metadata, and render without an error. kustomize reports the path of a
 * failing test, and skips a missing target.
 */
const noServerOfMetadata: Patch = {
  target: { kind: "Deployment", name: "metadata-postgres-db" },
  patch: [{ op: "test", path: "/the base lacks pull request 12379, it brings its own server metadata-postgres-db", value: "" }],
};

/** kustomize reads names as regular expressions. */
const variable = (container: string, name: string, field: string): string =>
  `spec.template.spec.containers.[name=^${container}$].env.[name=^${name}$].${field}`;

/** Where API server, cache server and ML Metadata read the connection. The base contains each value; kustomize fails if one is missing. */
export const overlayReplacements: readonly JsonObject[] = [
  {
    source: { kind: "ConfigMap", name: CONFIG_MAP },
    targets: [
      inDeployment("ml-pipeline", "ml-pipeline-api-server", [
        "DBDRIVERNAME",
        "DBCONFIG_POSTGRESQLCONFIG_HOST",
        "DBCONFIG_POSTGRESQLCONFIG_PORT",
        "DBCONFIG_POSTGRESQLCONFIG_DBNAME",
      ]),
      inDeployment("cache-server", "server", ["DBCONFIG_POSTGRESQLCONFIG_HOST", "DBCONFIG_POSTGRESQLCONFIG_PORT", "DBCONFIG_DB_NAME"]),
      inDeployment("metadata-grpc-deployment", "container", ["POSTGRES_HOST", "POSTGRES_PORT"]),
    ],
  },
  {
    source: { kind: "ConfigMap", name: CONFIG_MAP, fieldPath: "data.DBDriverName" },
    targets: [{ select: { kind: "Deployment", name: "cache-server" }, fieldPaths: [variable("server", "DBCONFIG_DRIVER", "value")] }],
  },
];

/** Variables that a container reads from the ConfigMap. */
function inDeployment(name: string, container: string, variables: readonly string[]): JsonObject {
  const fieldPaths = variables.map((each) => variable(container, each, "valueFrom.configMapKeyRef.name"));
  return { select: { kind: "Deployment", name }, fieldPaths };
}

const merge = (patch: JsonObject): Patch => ({ target: null, patch });

/** Returns a Deployment's container with the CA and, if there is one, with a proxy that starts first. */
function deployment(name: string, connection: Connection, container: JsonObject): Patch {
  const { tls } = connection;
  const mounts = tlsMounts(tls);
  return merge({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, annotations: reloadOnSecretChange(connection.secret) },
    spec: {
      template: {
        spec: {
          initContainers: sidecars(tls),
          containers: [{ ...container, volumeMounts: mounts?.volumeMounts }],
          volumes: mounts?.volumes,
        },
      },
    },
  });
}

/**
 * ML Metadata's flags for TLS, which upstream does not set: libpq would not verify. It joins them to a DSN without quotes, so the last one
 * also contains the limits for dead connections. The tests fail if upstream's container has moved.
 *
 * https://github.com/google/ml-metadata/blob/03bccabc8e2bedc36a45b05e47fcfa3354b10d66/ml_metadata/metadata_store/postgresql_metadata_source.cc
 */
function metadataArguments({ tls }: Connection): Patch {
  const container = "/spec/template/spec/containers/0";
  const verified = tls.mode === "proxy" ? ["sslmode=disable"] : [`sslmode=${tls.mode}`, `sslrootcert=${caPath(tls)}`];
  const flags = verified.map((each, index) => `--postgres_config_${each}${index === verified.length - 1 ? ` ${LIBPQ_WORDS}` : ""}`);
  return {
    target: { group: "apps", version: "v1", kind: "Deployment", name: "metadata-grpc-deployment" },
    patch: [
      { op: "test", path: `${container}/name`, value: "container" },
      { op: "test", path: `${container}/args/1`, value: "--metadata_source_config_type=postgresql" },
      { op: "test", path: `${container}/args/2`, value: "--postgres_config_host=$(POSTGRES_HOST)" },
      ...flags.map((value) => ({ op: "add", path: `${container}/args/-`, value })),
    ],
  };
}

const API_VERSIONS: Readonly<Record<string, string>> = { Deployment: "apps/v1" };

function remove(object: string): Patch {
  const [kind = "", name = ""] = object.split("/");
  return merge(removal(kind, name));
}

const removal = (kind: string, name: string): JsonObject => ({
  apiVersion: API_VERSIONS[kind] ?? "v1",
  kind,
  metadata: { name },
  $patch: "delete",
});
