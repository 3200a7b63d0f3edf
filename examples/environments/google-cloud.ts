import type { EnvironmentSpec } from "../../infra/spec";

/** MLflow and Prefect in a GKE cluster, with their databases on Cloud SQL: a standby and 30 days of backups. */
export default {
  // Labels of all created resources, in addition to the environment's name.
  owner: "ml-platform",
  labels: { stage: "production" },
  gcp: {
    // Replace each { example: "..." } with your ID in quotes. Until then you can plan and render, but not deploy.
    project: { example: "my-project" },
    projectNumber: { example: "123456789012" },
    region: "europe-west4",
    network: { example: "ml-platform" },
    cluster: {
      name: { example: "ml-platform" },
      location: "europe-west4",
      // Leave these out if the cluster already has External Secrets or Reloader.
      installExternalSecrets: true,
      installReloader: true,
    },
    // Alerts go to these channels.
    notificationChannels: [{ example: "projects/my-project/notificationChannels/1234567890" }],
  },
  instances: {
    main: { size: { vcpus: 4, memoryGib: 16 }, storageGib: 400, backupRetentionDays: 30 },
  },
  platforms: {
    mlflow: { replicas: 2, workers: 4, hosts: ["mlflow.example.com"] },
    prefect: { replicas: 2, redisHost: "redis.example.internal" },
  },
} satisfies EnvironmentSpec;
