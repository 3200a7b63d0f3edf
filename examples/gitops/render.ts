import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wirePlatform } from "platform-postgres/kubernetes/wire-platform";
import { platforms } from "platform-postgres/platforms/registry";
import { stringify } from "yaml";

/**
 * Files for Argo CD or Flux: `npx tsx render.ts ca.pem rendered`, then commit the folder. They contain no password: External Secrets reads
 * the logins from the store `vault`.
 */
const [, , ca = "ca.pem", folder = "rendered"] = process.argv;
const database = { host: "postgres.example.internal", ca: readFileSync(ca, "utf8"), maxConnections: 200 };
const rendered = {
  mlflow: wirePlatform({ platform: platforms.mlflow, ...database, externalSecret: { key: "mlflow", store: "vault" } }),
  prefect: wirePlatform({ platform: platforms.prefect, ...database, externalSecret: { key: "prefect", store: "vault" } }),
};

// Helm and Kubernetes read YAML 1.1.
const toYaml = (value: unknown): string => stringify(value, { version: "1.1" });
for (const [name, { values, objects }] of Object.entries(rendered)) {
  mkdirSync(join(folder, name, "manifests"), { recursive: true });
  writeFileSync(join(folder, name, "values.yaml"), toYaml(values));
  writeFileSync(join(folder, name, "manifests", "objects.yaml"), objects.map(toYaml).join("---\n"));
}
