import { describe, expect, it } from "vitest";
import { minimal, refusal, withPrefect } from "../fixtures/specs";

describe("values of a chart", () => {
  it.each<[string, object, string]>([
    [
      "a guarded value",
      { externalDatabase: { connectionString: "x" }, postgresql: { enabled: true } },
      "externalDatabase.connectionString: is set by the wiring; remove it, because it follows from the connection\n  - platforms.prefect.values.postgresql.enabled: is set by the wiring; remove it, because it follows from the connection",
    ],
    ["null above a guarded value", { server: null }, "server: is set by the wiring; use platforms.prefect.replicas"],
    [
      "a value below a guarded one",
      { server: { replicaCount: { x: 1 } } },
      "server.replicaCount.x: is set by the wiring; use platforms.prefect.replicas",
    ],
    [
      "a guarded variable",
      { global: { prefect: { env: [{ name: "PGSSLMODE", value: "disable" }] } } },
      "global.prefect.env[PGSSLMODE]: is set by the wiring; remove it, because it follows from the connection",
    ],
    [
      "a list that would replace ours",
      { server: { extraVolumes: ["x"] } },
      "server.extraVolumes: is set by the wiring; remove it, because it follows from the connection",
    ],
  ])("refuses %s among the chart's values", (_case, values, message) => {
    expect(refusal(withPrefect({ values }))).toBe(`invalid spec:\n  - platforms.prefect.values.${message}`);
  });

  it.each(["flyte", "mlflow", "prefect", "skillflaw"])("may say what the chart does by itself: %s makes its service account", (name) => {
    const values = { serviceAccount: { create: true, annotations: { "eks.amazonaws.com/role-arn": "arn" } } };
    const path = `platforms.${name}`;
    expect(refusal({ ...minimal, platforms: { [name]: { values } } })).toBe("accepted");
    expect(refusal({ ...minimal, platforms: { [name]: { values, serviceAccount: "ml" } } })).toBe(
      `invalid spec:\n  - ${path}.values.serviceAccount.create: is set by the wiring; use ${path}.serviceAccount`,
    );
  });

  it.each(["flyte", "mlflow", "prefect", "skillflaw"])("names the settings for what most charts call alike: %s", (name) => {
    const values = { fullnameOverride: "x", serviceAccount: { create: false, name: "x" } };
    const path = `platforms.${name}`;
    expect(refusal({ ...minimal, platforms: { [name]: { values } } })).toBe(
      [
        "invalid spec:",
        `  - ${path}.values.fullnameOverride: is set by the wiring; use ${path}.release`,
        `  - ${path}.values.serviceAccount.create: is set by the wiring; use ${path}.serviceAccount`,
        `  - ${path}.values.serviceAccount.name: is set by the wiring; use ${path}.serviceAccount`,
      ].join("\n"),
    );
  });

  it.each<[string, object]>([
    ["a variable that decides the connection, in a list of one pod", { server: { env: [{ name: "PGSSLMODE", value: "disable" }] } }],
    ["a variable that decides the connection, in a map", { anything: { extraEnvVars: { PGPASSWORD: "x" } } }],
    ["an object in the place of a list", { global: { prefect: { env: { A: "b" } } } }],
    ["a list in the place of an object", { global: [{ name: "A" }] }],
    ["another URL", { externalDatabase: { connectionString: "postgresql://u:p@h/d" } }],
    ["another namespace", { namespaceOverride: "other" }],
    ["another image than the migration's", { global: { prefect: { image: { prefectTag: "3.9.0" } } } }],
    ["processes that no budget counts", { server: { extraArgs: ["--workers", "8"] } }],
    ["pods that no budget counts", { server: { autoscaling: { enabled: true } } }],
  ])("lets no value decide the connection or open connections: %s", (_case, values) => {
    expect(refusal(withPrefect({ values }))).toContain(": is set by the wiring; ");
  });

  it("lets values set all else", () => {
    const values = {
      server: {
        resources: { requests: { cpu: "1" } },
        env: [{ name: "PREFECT_LOGGING_LEVEL", value: "DEBUG" }],
        podAnnotations: {},
        podLabels: { PGTEAM: "a" },
        extraVolumes: [],
        autoscaling: {},
      },
      backgroundServices: { resources: { limits: { cpu: "1" } } },
      ingress: { enabled: true },
      serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn" } },
    };
    expect(refusal(withPrefect({ values }))).toBe("accepted");
  });
});
