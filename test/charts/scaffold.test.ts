import { describe, expect, it } from "vitest";
import { workloadsOf } from "../../infra/charts/workloads";
import { scaffold, withEntry, withLine } from "./scaffold";

const pod = { initContainers: [{ name: "migrate", image: "app:1" }], containers: [{ name: "server", image: "app:1" }] };

describe("a new platform", () => {
  const draft = {
    name: "feature-store",
    chart: "store",
    repository: "https://charts.example",
    version: "1.4.0",
    keys: {
      fullnameOverride: "string",
      serviceAccount: { create: "boolean", name: "string" },
      server: { extraEnv: "array", extraVolumes: "array", extraVolumeMounts: "array", annotations: "object" },
      externalDatabase: { host: "string" },
      postgresql: "object",
    },
    workloads: workloadsOf([{ kind: "Deployment", metadata: { name: "it" }, spec: { template: { spec: pod } } }]),
    subcharts: ["postgresql", "redis"],
  };
  const files = scaffold(draft);
  const platform = files["constructs/platforms/feature-store/feature-store.ts"] ?? "";

  it("is a folder and a case", () => {
    expect(Object.keys(files)).toEqual([
      "constructs/platforms/feature-store/settings.ts",
      "constructs/platforms/feature-store/rules.ts",
      "constructs/platforms/feature-store/feature-store.ts",
      "test/fixtures/cases/feature-store.ts",
    ]);
  });

  it("wires what most charts call alike, and turns a bundled database off", () => {
    for (const line of [
      "fullnameOverride: settings.release,",
      "extraEnv: toEnv(variables, connection),",
      "extraVolumes: mounts?.volumes,",
      "extraVolumeMounts: mounts?.volumeMounts,",
      "annotations: reloadOnSecretChange(connection.secret),",
      "serviceAccount: serviceAccountValues(connection.serviceAccount),",
      "postgresql: { enabled: false },",
    ])
      expect(platform).toContain(line);
    expect(platform).not.toContain("redis:");
  });

  it("says what the chart starts, and which values may decide the connection", () => {
    expect(platform).toContain("//   Deployment it: init migrate (app:1)\n");
    expect(platform).toContain("//   externalDatabase.host\n");
    expect(platform).not.toContain("//   server.extraEnv");
  });

  it("imports what it uses, and nothing else", () => {
    expect(platform).toContain("import { reloadOnSecretChange, serviceAccountValues, tlsMounts, tlsVariables, toEnv } from");
    const bare = scaffold({ ...draft, keys: {}, subcharts: [] })["constructs/platforms/feature-store/feature-store.ts"] ?? "";
    expect(bare).toContain("import { tlsVariables } from");
    expect(bare).not.toContain("COMMON_VALUES");
    expect(bare).toContain("(_connection: Connection");
  });

  it("lists values that take variables by their names", () => {
    const byName = scaffold({ ...draft, keys: { annotations: "object", env: "object", extraVolumes: "array" } });
    const text = byName["constructs/platforms/feature-store/feature-store.ts"] ?? "";
    expect(text).toContain("connection:\n//   env\n");
    expect(text).toContain("    annotations: reloadOnSecretChange(connection.secret),\n");
  });

  it("fails until its case says how it logs in", () => {
    expect(files["test/fixtures/cases/feature-store.ts"]).toContain('throw new Error("write in test/fixtures/cases/feature-store.ts how');
  });

  it.each(["export const platforms = { a, b } satisfies Platforms;\n", "export const platforms = {\n  a,\n  b,\n} satisfies Platforms;\n"])(
    "is registered: %j",
    (registry) => {
      expect(withEntry(registry, "c").replaceAll(/\s+/g, " ")).toBe("export const platforms = { a, b, c } satisfies Platforms; ");
    },
  );

  it("takes its place in lists in the order of the others", () => {
    expect(withLine("a\nb\n\nc", "new", /^$/)).toBe("a\nb\nnew\n\nc");
  });
});
