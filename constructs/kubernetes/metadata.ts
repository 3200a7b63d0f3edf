import type { JsonObject } from "../model/json";

/**
 * Returns name and labels of an object that this project creates in a cluster. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 *
 * @param namespace null for cluster-scoped objects.
 * @param instance the Helm release that it belongs to, or the environment.
 */
export function metadata(name: string, namespace: string | null, instance: string): JsonObject {
  return { name, namespace: namespace ?? undefined, labels: labels(instance) };
}

export const labels = (instance: string): JsonObject => ({
  "app.kubernetes.io/managed-by": "platform-postgres",
  "app.kubernetes.io/instance": instance,
});

/** Returns an object with annotations; unchanged if there are none. */
export const annotated = (object: JsonObject, annotations: JsonObject): JsonObject =>
  Object.keys(annotations).length === 0 ? object : { ...object, metadata: { ...(object.metadata as JsonObject), annotations } };

/** Restricts every container of this project: read-only root, no privilege escalation, not root. 65532 is `nonroot` of distroless images. */
export const RESTRICTED: JsonObject = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65532,
  // Otherwise a pod runs with its image's group, often root.
  runAsGroup: 65532,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
