import { type JsonObject, mapValues } from "../model/json";
import { kubernetesNames } from "../model/names";
import { tlsMounts, toEnv } from "../model/pod";
import type { Wired } from "../model/wire";
import { type SecretFields, toGoTemplate, toPlainText } from "./secret-template";

/** Labels of everything that this project makes in a cluster. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
function metadata(name: string, namespace: string | null, release: string): JsonObject {
  const labels = { "app.kubernetes.io/managed-by": "platform-postgres", "app.kubernetes.io/instance": release };
  return { name, namespace: namespace ?? undefined, labels };
}

export function toNamespace({ namespace, release }: Wired): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: metadata(namespace, null, release) };
}

/** The CA that pods verify the database with, or null where a proxy does. */
export function toCaConfigMap({ namespace, release, connection: { tls } }: Wired, ca: string): JsonObject | null {
  if (tls.mode === "proxy") return null;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(tls.ca.configMap, namespace, release), data: { [tls.ca.key]: ca } };
}

/** The platform's Secret in plain text: for a machine where no External Secrets runs. */
export function toSecret({ namespace, release, connection, wiring }: Wired, fields: SecretFields): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: metadata(connection.secret, namespace, release),
    type: "Opaque",
    stringData: mapValues(wiring.secret, (template) => toPlainText(template, fields)),
  };
}

/** The same Secret, made in the cluster by External Secrets from the secret store. */
export function toExternalSecret(
  { namespace, release, connection, wiring }: Wired,
  from: { readonly secretStore: JsonObject; readonly key: string },
): JsonObject {
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: metadata(connection.secret, namespace, release),
    spec: {
      refreshInterval: "1m",
      secretStoreRef: from.secretStore,
      target: { name: connection.secret, template: { engineVersion: "v2", data: mapValues(wiring.secret, toGoTemplate) } },
      dataFrom: [{ extract: { key: from.key } }],
    },
  };
}

/** Seconds after which a migration is given up, and after which a finished Job is removed. */
const MIGRATION_SECONDS = 3600;
const KEPT_SECONDS = 86_400;

/** A Job that migrates by hand, or null where the platform has no command for it. */
export function toMigrateJob({ namespace, release, connection, wiring }: Wired): JsonObject | null {
  if (wiring.migrate === null) return null;
  const { image, command, variables } = wiring.migrate;
  const mounts = tlsMounts(connection.tls);
  const sidecar = connection.tls.mode === "proxy" ? connection.tls.sidecar : null;
  const container = {
    name: "migrate",
    image,
    command,
    env: toEnv(variables, connection),
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 1001, capabilities: { drop: ["ALL"] } },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...(mounts?.volumeMounts ?? [])],
  };
  const pod = {
    restartPolicy: "Never",
    serviceAccountName: connection.serviceAccount ?? undefined,
    initContainers: sidecar === null ? undefined : [sidecar],
    containers: [container],
    volumes: [{ name: "tmp", emptyDir: {} }, ...(mounts?.volumes ?? [])],
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(kubernetesNames(release).migrateJob, namespace, release),
    spec: { backoffLimit: 2, activeDeadlineSeconds: MIGRATION_SECONDS, ttlSecondsAfterFinished: KEPT_SECONDS, template: { spec: pod } },
  };
}
