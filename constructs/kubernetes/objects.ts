import { type JsonObject, mapValues } from "../model/json";
import { kubernetesNames } from "../model/names";
import type { Wired } from "../model/wire";
import { annotated, labels, metadata } from "./metadata";
import { migrationContainer, SECRET_VOLUME, sidecars, TEMPORARY_VOLUME, tlsMounts } from "./pod";
import { type SecretFields, toGoTemplate, toPlainText } from "./secret-template";

export function toNamespace({ namespace, release }: Wired): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: metadata(namespace, null, release) };
}

/** Returns an object that names the release's environment. It is created once and never overwritten, so other environments cannot take over the release. */
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

/** Returns the CA that pods verify the database with, or null if a proxy does. */
export function toCaConfigMap({ namespace, release, connection: { tls } }: Wired, ca: string): JsonObject | null {
  if (tls.mode === "proxy") return null;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(tls.ca.configMap, namespace, release), data: { [tls.ca.key]: ca } };
}

/**
 * Returns the platform's Secret in plain text, for use without External Secrets.
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

/** The service account that External Secrets reads the platform's secret with, and the store that uses it. */
export interface SecretReader {
  /** Annotations that give the service account its cloud identity; they may be deploy-time values. */
  readonly annotations: JsonObject;
  /** `spec.provider` of the store, which names the service account. https://external-secrets.io/latest/api/secretstore/ */
  provider(serviceAccount: string): JsonObject;
}

/** Returns the service account and the SecretStore of one platform, which can read no other platform's secret. */
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

/** Returns a reference to the store of `toSecretStore`. */
export const secretStoreOf = ({ release }: Wired): JsonObject => ({ kind: "SecretStore", name: kubernetesNames(release).secretStore });

/**
 * Returns an ExternalSecret, from which External Secrets creates the same Secret in the cluster.
 *
 * @param ca PEM text, which may be a deploy-time value.
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

/** Seconds after which a migration fails, and after which a finished Job is removed. */
const MIGRATION_SECONDS = 3600;
const KEPT_SECONDS = 86_400;

/** Returns a container with a memory limit, so that a migration that exceeds it does not affect other pods of its node. */
const limited = (container: JsonObject): JsonObject => ({
  ...container,
  resources: { ...(container.resources as JsonObject), limits: { memory: "2Gi" } },
});

/** Returns a Job that migrates by hand, or null if the platform has no command for it. */
export function toMigrateJob({ namespace, release, connection, wiring }: Wired): JsonObject | null {
  const steps = wiring.migrate.map((step) => limited(migrationContainer(step, connection)));
  const last = steps.at(-1);
  if (last === undefined) return null;
  const mounts = tlsMounts(connection.tls);
  // Init containers run one after the other, so all steps except the last are init containers.
  const inits = [...(sidecars(connection.tls) ?? []), ...steps.slice(0, -1)];
  const readsFiles = wiring.migrate.some((step) => step.secretPath !== null);
  const pod = {
    restartPolicy: "Never",
    serviceAccountName: connection.serviceAccount ?? undefined,
    // A migration never calls the Kubernetes API, and its proxy gets its identity from the node's metadata server.
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
