import type { EnvironmentSpec } from "./spec";

/** What people work on: a standby in a second zone, a month of backups, and Prefect's background services apart from its servers. */
export default {
  name: "production",
  labels: { stage: "production" },
  owner: "ml-platform",
  instances: {
    main: {
      size: { vcpus: 4, memoryGib: 16 },
      storageGib: 400,
      backupRetentionDays: 30,
      readReplicas: 1,
      allowedSources: ["10.0.0.0/16"],
    },
  },
  platforms: {
    mlflow: { replicas: 2, workers: 4 },
    prefect: { replicas: 2, poolSize: 10, maxOverflow: 10, redisHost: "redis.example.internal" },
  },
} satisfies EnvironmentSpec;
