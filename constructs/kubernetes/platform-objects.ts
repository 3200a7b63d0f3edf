import type { JsonObject } from "../model/json";
import type { Wired } from "../model/wire";
import { annotated } from "./metadata";
import { type SecretReader, secretStoreOf, toCaConfigMap, toExternalSecret, toNamespace, toSecretStore } from "./objects";

/**
 * What an object of a platform is for: the namespace that all of it stands in; the store that External Secrets reads with, and the Secret
 * that it writes; the CA, and what else pods reach the database by; the platform's own.
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
  /** The store it reads with: one for the platform alone, or the name of an existing ClusterSecretStore. */
  readonly store: SecretReader | string;
  /** Of the ExternalSecret. */
  readonly annotations: JsonObject;
}

/** What the objects of a platform need to know of its target. */
export interface PlatformObjectsSource {
  /** Null if External Secrets does not write the Secret. */
  readonly secret: SecretSource | null;
  /** PEM text, which may be known only late. */
  readonly ca: string;
  /** By which its pods reach the database, besides the CA. */
  readonly access: readonly JsonObject[];
}

/** Everything that a platform has in a cluster besides its release, in the order in which it is delivered. */
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

/** The objects of some parts, in their order. */
export const objectsOf = (objects: readonly PlatformObject[], ...parts: readonly Part[]): readonly JsonObject[] =>
  objects.filter(({ part }) => parts.includes(part)).map(({ object }) => object);

/** What stands in the namespace, which itself outlives the platform. */
export const inNamespace = (objects: readonly PlatformObject[]): readonly JsonObject[] =>
  objects.filter(({ part }) => part !== "namespace").map(({ object }) => object);
