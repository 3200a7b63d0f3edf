import type { JsonObject } from "../model/json";

/**
 * Name and labels of what this project makes in a cluster. https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 *
 * @param namespace null for what is in none.
 * @param instance the Helm release that it belongs to, or the environment.
 */
export function metadata(name: string, namespace: string | null, instance: string): JsonObject {
  return { name, namespace: namespace ?? undefined, labels: labels(instance) };
}

export const labels = (instance: string): JsonObject => ({
  "app.kubernetes.io/managed-by": "platform-postgres",
  "app.kubernetes.io/instance": instance,
});

/** An object with annotations; unchanged if there are none. */
export const annotated = (object: JsonObject, annotations: JsonObject): JsonObject =>
  Object.keys(annotations).length === 0 ? object : { ...object, metadata: { ...(object.metadata as JsonObject), annotations } };

/** What every container of ours may not do: write its root, gain rights, be root. 65532 is `nonroot` of distroless images. */
export const RESTRICTED: JsonObject = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65532,
  // Else a pod runs with the group of its image, often root's.
  runAsGroup: 65532,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
