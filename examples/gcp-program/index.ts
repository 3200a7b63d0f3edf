import { Provider } from "@pulumi/gcp/provider";
import { PostgresEnvironment } from "platform-postgres/gcp/environment";

/** PostgreSQL for MLflow, and MLflow itself, in an existing network and GKE cluster. `pulumi up` creates them with the rest of your program. */
const provider = new Provider("google", { project: "my-project", region: "europe-west4" });
const postgres = new PostgresEnvironment(
  "postgres",
  {
    spec: {
      name: "team",
      gcp: {
        project: "my-project",
        projectNumber: "123456789012",
        region: "europe-west4",
        network: "ml",
        cluster: { name: "ml", location: "europe-west4" },
      },
      instances: { main: { size: { vcpus: 2, memoryGib: 8 }, storageGib: 50 } },
      platforms: { mlflow: {} },
    },
  },
  { provider },
);

export const host = postgres.instances.main?.host;
export const secret = postgres.platforms.mlflow?.secret;
