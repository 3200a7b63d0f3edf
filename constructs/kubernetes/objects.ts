import { type JsonObject, mapValues } from "../model/json";
import { kubernetesNames } from "../model/names";
import type { Wired } from "../model/wire";
import { annotated, labels, metadata } from "./metadata";
import { migrationContainer, SECRET_VOLUME, sidecars, TEMPORARY_VOLUME, tlsMounts } from "./pod";
import { type SecretFields, toGoTemplate, toPlainText } from "./secret-template";

export function toNamespace({ namespace, release }: Wired): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: metadata(namespace, null, release) };
}

/** Names the environment that a release belongs to. Created and never overwritten, it keeps other environments from taking the release over. */
export function toOwner({ namespace, release }: Wired, environment: string): JsonObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(kubernetesNames(release).owner, namespace, release),
    data: { environment },
  };
}

/** @param instance the Helm release that it belongs to, or the environment. */
export function toServiceAccount(name: string, namespace: string, instance: string, annotations: JsonObject): JsonObject {
  return annotated({ apiVersion: "v1", kind: "ServiceAccount", metadata: metadata(name, namespace, instance) }, annotations);
}

/** The CA that pods verify the database with, or null where a proxy does. */
export function toCaConfigMap({ namespace, release, connection: { tls } }: Wired, ca: string): JsonObject | null {
  if (tls.mode === "proxy") return null;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(tls.ca.configMap, namespace, release), data: { [tls.ca.key]: ca } };
}

/**
 * The platform's Secret in plain text: for a machine where no External Secrets runs.
 *
 * @param ca PEM text.
 */
export function toSecret({ namespace, release, connection, wiring }: Wired, fields: SecretFields, ca: string): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(connection.secret, namespace, release),
    type: "Opaque",
    stringData: mapValues(wiring.secret, (template) => toPlainText(template, fields, ca)),
  };
}

/** A service account by which External Secrets reads the platform's secret, and the store that uses it. */
export interface SecretReader {
  /** Annotations that give the service account its identity of the cloud, which may be known only late. */
  readonly annotations: JsonObject;
  /** `spec.provider` of the store, which names the service account. https://external-secrets.io/latest/api/secretstore/ */
  provider(serviceAccount: string): JsonObject;
}

/** The service account and the SecretStore of one platform: it can read no other platform's secret. */
export function toSecretStore({ namespace, release }: Wired, { annotations, provider }: SecretReader): readonly JsonObject[] {
  const name = kubernetesNames(release).secretStore;
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { ...metadata(name, namespace, release), annotations } },
    {
      apiVersion: "external-secrets.io/v1",
      kind: "SecretStore",
      metadata: metadata(name, namespace, release),
      spec: { provider: provider(name) },
    },
  ];
}

/** Reference to the store of `toSecretStore`. */
export const secretStoreOf = ({ release }: Wired): JsonObject => ({ kind: "SecretStore", name: kubernetesNames(release).secretStore });

/**
 * The same Secret, made in the cluster by External Secrets from the secret store.
 *
 * @param ca PEM text, which may be known only late.
 */
export function toExternalSecret(
  { namespace, release, connection, wiring }: Wired,
  from: { readonly secretStore: JsonObject; readonly key: string },
  ca: string,
): JsonObject {
  const data = mapValues(wiring.secret, (template) => toGoTemplate(template, ca));
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: metadata(connection.secret, namespace, release),
    spec: {
      refreshInterval: "1m",
      secretStoreRef: from.secretStore,
      target: { name: connection.secret, template: { engineVersion: "v2", data } },
      dataFrom: [{ extract: { key: from.key } }],
    },
  };
}

/** Seconds after which a migration is given up, and after which a finished Job is removed. */
const MIGRATION_SECONDS = 3600;
const KEPT_SECONDS = 86_400;

/** A container with a limit of memory, so that a migration that takes more ends alone, and not with other pods of its node. */
const limited = (container: JsonObject): JsonObject => ({
  ...container,
  resources: { ...(container.resources as JsonObject), limits: { memory: "2Gi" } },
});

/** A Job that migrates by hand, or null where the platform has no command for it. */
export function toMigrateJob({ namespace, release, connection, wiring }: Wired): JsonObject | null {
  const steps = wiring.migrate.map((step) => limited(migrationContainer(step, connection)));
  const last = steps.at(-1);
  if (last === undefined) return null;
  const mounts = tlsMounts(connection.tls);
  // Init containers run one after the other, so all steps but the last are those.
  const inits = [...(sidecars(connection.tls) ?? []), ...steps.slice(0, -1)];
  const readsFiles = wiring.migrate.some((step) => step.secretPath !== null);
  const pod = {
    restartPolicy: "Never",
    serviceAccountName: connection.serviceAccount ?? undefined,
    // A migration asks nothing of Kubernetes, and a proxy beside it takes its identity from the node's metadata server.
    automountServiceAccountToken: false,
    initContainers: inits.length === 0 ? undefined : inits,
    containers: [last],
    volumes: [
      { name: TEMPORARY_VOLUME, emptyDir: {} },
      ...(readsFiles ? [{ name: SECRET_VOLUME, secret: { secretName: connection.secret } }] : []),
      ...(mounts?.volumes ?? []),
    ],
  };
  const { migrateJob } = kubernetesNames(release);
  // Under a different name no Service of the chart selects it.
  const template = { metadata: { labels: { ...labels(release), "app.kubernetes.io/name": migrateJob } }, spec: pod };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(migrateJob, namespace, release),
    spec: { backoffLimit: 2, activeDeadlineSeconds: MIGRATION_SECONDS, ttlSecondsAfterFinished: KEPT_SECONDS, template },
  };
}
