import { readFileSync } from "node:fs";
import { wirePlatform } from "platform-postgres/kubernetes/wire-platform";
import { platforms } from "platform-postgres/platforms/registry";

/** Values for MLflow's chart on an existing database: `npx tsx mlflow.ts ca.pem > values.json`, then `helm install --values values.json`. */
const { values } = wirePlatform({
  platform: platforms.mlflow,
  settings: { replicas: 2, hosts: ["mlflow.example.com"] },
  host: "postgres.example.internal",
  ca: readFileSync(process.argv[2] ?? "ca.pem", "utf8"),
  secret: "mlflow-login",
});
process.stdout.write(`${JSON.stringify(values, null, 2)}\n`);
