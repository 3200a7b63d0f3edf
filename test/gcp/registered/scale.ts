import { describe, expect, it } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, resolveGcp, SECTION } from "../../fixtures/gcp";
import { ofType, registrationsOf } from "../../fixtures/registrations";

const KINDS = ["mlflow", "prefect", "skillflaw", "application"];
const numbered = <T>(length: number, of: (index: number) => readonly [string, T]) =>
  Object.fromEntries(Array.from({ length }, (_, index) => of(index)));

/** The largest environment that this project is meant for. */
const large: NamedSpec = {
  name: "large",
  gcp: { ...SECTION, cluster: CLUSTER },
  instances: numbered(20, (index) => [`instance-${index}`, { size: { vcpus: 4, memoryGib: 16 }, parameters: { max_connections: 2000 } }]),
  platforms: numbered(100, (index) => [
    `platform-${index}`,
    { platform: KINDS[index % KINDS.length], instance: `instance-${index % 20}` },
  ]) as NamedSpec["platforms"],
};

/** Names that would make one id of two, if ids were joined by hyphens. */
const alike: NamedSpec = {
  name: "alike",
  gcp: { ...SECTION, cluster: { ...CLUSTER, installExternalSecrets: true, installReloader: true } },
  instances: { main: { parameters: { max_connections: 2000 } }, "main-provisioning-x": {} },
  platforms: {
    mlflow: { instance: "main" },
    master: { platform: "mlflow", instance: "main" },
    reloader: { platform: "mlflow", instance: "main" },
    "external-secrets": { platform: "mlflow", instance: "main" },
    "mlflow-secretstore": { platform: "mlflow", instance: "main", release: "a" },
    "mlflow-mlflow": { platform: "mlflow", instance: "main", serviceAccount: "db-client" },
    a: { platform: "mlflow", instance: "main", serviceAccount: "b-c" },
    "a-b": { platform: "mlflow", instance: "main", serviceAccount: "c" },
    "x-provisioning-y": { platform: "mlflow", instance: "main" },
    z: { platform: "mlflow", instance: "main-provisioning-x" },
  },
};

const metadataOf = ({ inputs }: { readonly inputs: object }) =>
  (inputs as { metadata?: { name: string; namespace?: string; labels?: object; annotations?: object } }).metadata;

describe.each([
  ["100 platforms on 20 instances", large],
  ["platforms whose names begin like each other", alike],
])("%s", (_what, spec) => {
  it("have an id for each resource, and a name for each object", async () => {
    const { resources } = await registrationsOf(spec);
    expect(new Set(resources.map(({ urn }) => urn)).size).toBe(resources.length);
    const objects = resources.filter(({ type, custom }) => custom && type.startsWith("kubernetes:") && !type.includes("helm.sh"));
    const names = objects.map((each) => `${each.type} ${metadataOf(each)?.namespace} ${metadataOf(each)?.name}`);
    expect(new Set(names).size).toBe(objects.length);
  });

  it("stay within what Google and Kubernetes take", async () => {
    const registrations = await registrationsOf(spec);
    for (const resource of registrations.resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      const { name = "", labels = {}, annotations = {} } = metadataOf(resource) ?? {};
      for (const text of [name, ...Object.values(labels)]) expect(text.length).toBeLessThanOrEqual(63);
      expect(JSON.stringify(annotations).length).toBeLessThan(2 ** 18);
      expect(JSON.stringify(resource.inputs).length).toBeLessThan(0.75 * 2 ** 20);
    }
    for (const { inputs } of ofType(registrations, "Secret")) expect(String(inputs.secretId)).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
  });
});

describe("100 platforms on 20 instances", () => {
  it("register the program once, and little for each platform", async () => {
    const { resources } = await registrationsOf(large);
    const bytes = resources.reduce((sum, { inputs }) => sum + JSON.stringify(inputs).length, 0);
    expect(resources.filter(({ inputs }) => "program.js" in ((inputs.data as object | undefined) ?? {}))).toHaveLength(1);
    expect(bytes).toBeLessThan(2 * 2 ** 20);
  });

  it("have a task that is smaller than the rule about it counts", async () => {
    const tasks = ofType(await registrationsOf(large), "ConfigMap").filter(({ name }) => name.endsWith("-provisioning-program"));
    expect(tasks).toHaveLength(20);
    const tenants = Object.values(resolveGcp(large).instances)[0]?.tenants ?? {};
    for (const { inputs } of tasks) expect(JSON.stringify(inputs.data).length / (Object.keys(tenants).length + 1)).toBeLessThan(2_000);
  });
});

describe("a platform that is called like its kind", () => {
  it("has the ids that it had when there was one of a kind", async () => {
    const { resources } = await registrationsOf({ ...large, instances: { main: {} }, platforms: { mlflow: {} } });
    const names = resources.map(({ name }) => name);
    for (const name of ["mlflow", "mlflow-secretstore-mlflow-db-store", "mlflow-reader-secretAccessor", "mlflow-mlflow-db-client"])
      expect(names).toContain(name);
    expect(names).toContain("main-provisioning-mlflow-secretVersionManager");
    expect(names.filter((name) => name.includes("."))).toEqual([]);
  });
});
