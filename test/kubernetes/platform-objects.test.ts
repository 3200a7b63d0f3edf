import { describe, expect, it } from "vitest";
import { toMigrateJob } from "../../constructs/kubernetes/objects";
import { inNamespace, objectsOf, type SecretSource, toPlatformObjects } from "../../constructs/kubernetes/platform-objects";
import type { JsonObject } from "../../constructs/model/json";
import { resolve } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { given, minimal } from "../fixtures/specs";

const { prefect } = wirePlatforms(resolve(minimal, given), given.platforms, () => ({ host: "db.example", port: 5432, sidecar: null }));
const access = [{ kind: "Deployment", metadata: { name: "proxy" } }];
const reader = { annotations: {}, provider: (account: string) => ({ account }) };
const objects = (secret: SecretSource | null) => {
  if (prefect === undefined) throw new Error("prefect was not wired");
  return toPlatformObjects({ ...prefect, wiring: { ...prefect.wiring, objects: [{ kind: "Own" }] } }, { secret, ca: "PEM", access });
};
const kinds = (list: readonly JsonObject[]) => list.map(({ kind }) => kind);

describe("a platform's objects", () => {
  it("come in the order in which they need each other", () => {
    const all = objects({ key: "test--prefect", store: reader, annotations: {} });
    expect(kinds(all.map(({ object }) => object))).toEqual([
      "Namespace",
      "ServiceAccount",
      "SecretStore",
      "ConfigMap",
      "ExternalSecret",
      "Deployment",
      "Own",
    ]);
    expect(kinds(inNamespace(all))).toEqual(["ServiceAccount", "SecretStore", "ConfigMap", "ExternalSecret", "Deployment", "Own"]);
    expect(kinds(objectsOf(all, "own", "namespace"))).toEqual(["Namespace", "Own"]);
  });

  it("have no store of their own where the cluster has one for all, and no ExternalSecret where nothing reads it", () => {
    const [external, ...others] = objectsOf(objects({ key: "test--prefect", store: "shared", annotations: { a: "b" } }), "store", "secret");
    expect(others).toEqual([]);
    expect(external).toMatchObject({
      kind: "ExternalSecret",
      metadata: { annotations: { a: "b" } },
      spec: { secretStoreRef: { kind: "ClusterSecretStore", name: "shared" }, dataFrom: [{ extract: { key: "test--prefect" } }] },
    });
    expect(kinds(inNamespace(objects(null)))).toEqual(["ConfigMap", "Deployment", "Own"]);
  });
});

describe("the Job that migrates by hand", () => {
  it("cannot ask Kubernetes for anything, nor take the memory of other pods", () => {
    if (prefect === undefined) throw new Error("prefect was not wired");
    expect(toMigrateJob(prefect)).toMatchObject({
      spec: { template: { spec: { automountServiceAccountToken: false, containers: [{ resources: { limits: { memory: "2Gi" } } }] } } },
    });
  });

  it("has pods of the platform that no Service selects, in no group of the image's", () => {
    if (prefect === undefined) throw new Error("prefect was not wired");
    const { metadata, spec } = (toMigrateJob(prefect) as unknown as { readonly spec: { readonly template: JsonObject } }).spec.template;
    expect(metadata).toEqual({
      labels: {
        "app.kubernetes.io/managed-by": "platform-postgres",
        "app.kubernetes.io/instance": "prefect",
        "app.kubernetes.io/name": "prefect-db-migrate",
      },
    });
    expect(spec).toMatchObject({ containers: [{ securityContext: { runAsUser: 1001, runAsGroup: 1001 } }] });
  });
});
