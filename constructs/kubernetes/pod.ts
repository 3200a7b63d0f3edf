import { type JsonObject, mapValues } from "../model/json";
import type { Connection, Migration, ProcessText, Tls, Variables } from "../model/platform";
import { RESTRICTED } from "./metadata";

/** Names of the volumes with the CA and with the platform's Secret in a pod. */
const CA_VOLUME = "db-ca";
export const SECRET_VOLUME = "db";

/** libpq's variables for the connection's TLS mode; asyncpg, psycopg and pgx read them too. */
export function tlsVariables(tls: Tls): Variables {
  // Through a proxy in the pod, the last hop is loopback, where no certificate can have the name.
  if (tls.mode === "proxy") return { PGSSLMODE: "disable" };
  return { PGSSLMODE: tls.mode, PGSSLROOTCERT: { caFile: true } };
}

/** Returns the volume with the CA and its mount, or null if a proxy verifies the certificate. */
export function tlsMounts(tls: Tls): { readonly volumes: readonly JsonObject[]; readonly volumeMounts: readonly JsonObject[] } | null {
  if (tls.mode === "proxy") return null;
  return {
    volumes: [{ name: CA_VOLUME, configMap: { name: tls.ca.configMap } }],
    volumeMounts: [{ name: CA_VOLUME, mountPath: tls.ca.mountPath, readOnly: true }],
  };
}

/** Returns init containers with the proxy, which starts before everything else; undefined if the pod has none. */
export function sidecars(tls: Tls): readonly JsonObject[] | undefined {
  return tls.mode === "proxy" && tls.sidecar !== null ? [tls.sidecar] : undefined;
}

/** Name of the writable volume at `/tmp`; MLflow's chart uses the same name. */
export const TEMPORARY_VOLUME = "tmp";

/** Returns a container that migrates. Its pod has `TEMPORARY_VOLUME`, and `SECRET_VOLUME` if it reads files of the Secret. */
export function migrationContainer({ name, image, command, variables, secretPath }: Migration, connection: Connection): JsonObject {
  return {
    name,
    image,
    command,
    // Some programs look for a configuration file in their working directory.
    workingDir: "/tmp",
    env: toEnv(variables, connection),
    resources: { requests: { cpu: "100m", memory: "256Mi" } },
    securityContext: { ...RESTRICTED, runAsUser: 1001, runAsGroup: 1001 },
    volumeMounts: [
      { name: TEMPORARY_VOLUME, mountPath: "/tmp" },
      ...(secretPath === null ? [] : [{ name: SECRET_VOLUME, mountPath: secretPath, readOnly: true }]),
      ...(tlsMounts(connection.tls)?.volumeMounts ?? []),
    ],
  };
}

/** Returns process variables as a container's `env`. */
export function toEnv(variables: Variables, connection: Connection): readonly JsonObject[] {
  return Object.values(
    mapValues(variables, (variable, name): JsonObject => {
      if (typeof variable === "string") return { name, value: variable };
      if ("secretKey" in variable) return { name, valueFrom: { secretKeyRef: { name: connection.secret, key: variable.secretKey } } };
      return { name, value: caPath(connection.tls) };
    }),
  );
}

/**
 * Returns a text of a release, which may contain the path of the CA's file.
 *
 * @param caFile its path in the pod.
 */
export function inPod(text: ProcessText, caFile: string): string {
  return text
    .map((part) => {
      if (typeof part === "string") return part;
      if ("caFile" in part) return caFile;
      throw new TypeError("a text in a release must contain neither credentials nor paths of this machine");
    })
    .join("");
}

/** Returns the path of the CA's file in a pod. */
export function caPath(tls: Tls): string {
  return tls.mode === "proxy" ? "" : `${tls.ca.mountPath}/${tls.ca.key}`;
}

/** Returns chart values that use an existing service account; none if the chart creates its own. */
export function serviceAccountValues(name: string | null): JsonObject | undefined {
  return name === null ? undefined : { create: false, name };
}

/** Returns Reloader's annotation: no platform rereads its password, so a rotation must restart it. */
export function reloadOnSecretChange(secret: string): JsonObject {
  return { "secret.reloader.stakater.com/reload": secret };
}
