import type { JsonObject } from "../model/json";
import type { Wired } from "../model/wire";
import { annotated } from "./metadata";
import { type SecretReader, secretStoreOf, toCaConfigMap, toExternalSecret, toNamespace, toSecretStore } from "./objects";

/**
 * The purpose of a platform's object: its namespace; the store that External Secrets reads with, and the Secret that it writes; the CA, and
 * other objects that pods need to reach the database; the platform's own objects.
 */
export type Part = "namespace" | "store" | "ca" | "secret" | "access" | "own";

export interface PlatformObject {
  readonly part: Part;
  readonly object: JsonObject;
}

/** Where External Secrets reads a platform's secret. */
export interface SecretSource {
  /** Name of the secret in its cloud. */
  readonly key: string;
  /** The store that it reads with: one for this platform only, or the name of an existing ClusterSecretStore. */
  readonly store: SecretReader | string;
  /** Annotations of the ExternalSecret. */
  readonly annotations: JsonObject;
}

/** Target-specific input for the objects of a platform. */
export interface PlatformObjectsSource {
  /** Null if External Secrets does not write the Secret. */
  readonly secret: SecretSource | null;
  /** PEM text, which may be a deploy-time value. */
  readonly ca: string;
  /** Objects that its pods need to reach the database, in addition to the CA. */
  readonly access: readonly JsonObject[];
}

/** Returns all objects of a platform in a cluster except its release, in the order of delivery. */
export function toPlatformObjects(wired: Wired, { secret, ca, access }: PlatformObjectsSource): readonly PlatformObject[] {
  const configMap = toCaConfigMap(wired, ca);
  const externalSecret = secret === null ? null : annotated(toExternalSecret(wired, toReference(wired, secret), ca), secret.annotations);
  const store = secret === null || typeof secret.store === "string" ? [] : toSecretStore(wired, secret.store);
  const all: Readonly<Record<Part, readonly JsonObject[]>> = {
    namespace: [toNamespace(wired)],
    store,
    ca: configMap === null ? [] : [configMap],
    secret: externalSecret === null ? [] : [externalSecret],
    access,
    own: wired.wiring.objects,
  };
  return Object.entries(all).flatMap(([part, objects]) => objects.map((object) => ({ part: part as Part, object })));
}

const toReference = (wired: Wired, { store, key }: SecretSource) => ({
  secretStore: typeof store === "string" ? { kind: "ClusterSecretStore", name: store } : secretStoreOf(wired),
  key,
});

/** Returns the objects of some parts, in their order. */
export const objectsOf = (objects: readonly PlatformObject[], ...parts: readonly Part[]): readonly JsonObject[] =>
  objects.filter(({ part }) => parts.includes(part)).map(({ object }) => object);

/** Returns the objects in the namespace, which itself outlives the platform. */
export const inNamespace = (objects: readonly PlatformObject[]): readonly JsonObject[] =>
  objects.filter(({ part }) => part !== "namespace").map(({ object }) => object);
