import type { JsonObject } from "../../../constructs/model/json";

type Properties = Readonly<Record<string, unknown>>;

/** A release of helm, and the definitions (CRDs) that came with it. */
interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly values: JsonObject;
}

/**
 * A double of an EKS cluster and of the CDK's kubectl handler, after its source: `helm upgrade --install`, `helm uninstall`, Helm's check
 * of who owns a definition, and what deleting External Secrets' definitions takes along.
 *
 * It does not prove that a chart installs, that a pod starts, or anything of Kubernetes' own.
 */
export class ClusterWorld {
  readonly releases = new Map<string, Release>();
  /** Who owns External Secrets' definitions, as Helm notes it: `namespace/release`; null where there are none. */
  definitionsOf: string | null = null;
  /** Whether Helm keeps them when it uninstalls their release. */
  private keepsDefinitions = false;
  /** ExternalSecrets, and so Secrets, as `namespace/name`: of this environment and of others. */
  readonly secrets = new Set<string>();
  private readonly configMaps = new Set<string>();

  install({ Release: name, Namespace: namespace, Values: values = "{}" }: Properties): void {
    const key = `${namespace}/${name}`;
    const parsed = JSON.parse(String(values)) as JsonObject;
    if (parsed.installCRDs === true) {
      if (this.definitionsOf !== null && this.definitionsOf !== key)
        throw new Error(
          `Unable to continue with install: CustomResourceDefinition "externalsecrets.external-secrets.io" in namespace "" exists and cannot be imported into the current release: invalid ownership metadata; annotation validation error: key "meta.helm.sh/release-name" must equal "${name}": current value is "${this.definitionsOf.split("/")[1]}"`,
        );
      this.definitionsOf = key;
      this.keepsDefinitions = JSON.stringify(parsed).includes('"helm.sh/resource-policy":"keep"');
    }
    this.releases.set(key, { name: String(name), namespace: String(namespace), values: parsed });
  }

  /** The handler swallows every fault of it. */
  uninstall({ Release: name, Namespace: namespace }: Properties): void {
    const key = `${namespace}/${name}`;
    this.releases.delete(key);
    if (this.definitionsOf !== key || this.keepsDefinitions) return;
    // With a definition goes every object of its kind, and with an ExternalSecret the Secret that it owns.
    this.definitionsOf = null;
    this.secrets.clear();
  }

  /** `kubectl create` where nothing may be overwritten, and otherwise `kubectl apply`. */
  apply({ Manifest: manifest, Overwrite: overwrite }: Properties, isCreation: boolean): void {
    for (const object of objectsIn(manifest, "ConfigMap")) {
      if (isCreation && overwrite === false && this.configMaps.has(object))
        throw new Error(`Error from server (AlreadyExists): configmaps "${object.split("/")[1]}" already exists`);
      this.configMaps.add(object);
    }
    for (const object of objectsIn(manifest, "ExternalSecret")) this.secrets.add(object);
  }

  remove({ Manifest: manifest }: Properties): void {
    for (const object of objectsIn(manifest, "ConfigMap")) this.configMaps.delete(object);
    for (const object of objectsIn(manifest, "ExternalSecret")) this.secrets.delete(object);
  }

  /** What the handler waits for: External Secrets is quick here, and writes what a manifest says at once. */
  check({ ObjectType: type, ObjectNamespace: namespace, ObjectName: name }: Properties): void {
    if (type === "secret" && !this.secrets.has(`${namespace}/${name}`)) throw new Error("Timeout waiting for output from kubectl command");
  }
}

const objectsIn = (manifest: unknown, wanted: string): readonly string[] =>
  (JSON.parse(String(manifest)) as { kind: string; metadata: { name: string; namespace: string } }[])
    .filter(({ kind }) => kind === wanted)
    .map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
