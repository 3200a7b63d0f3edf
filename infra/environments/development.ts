import type { EnvironmentSpec } from "../spec";

/** One small server for a team's experiments. It may be deleted, and nobody is alerted when its zone fails. */
export default {
  labels: { stage: "development" },
  instances: {
    main: {
      size: { vcpus: 2, memoryGib: 4 },
      storageGib: 20,
      highAvailability: false,
      backupRetentionDays: 1,
      deletionProtection: false,
    },
  },
  // Creates its own network, and names no cluster: it creates databases, and files for any cluster.
  aws: { region: "eu-central-1", applyImmediately: true, logRetentionDays: 7 },
  // Google Cloud needs an existing project, its network, and a cluster in it, where provisioning runs.
  gcp: {
    project: { example: "my-project" },
    projectNumber: { example: "123456789012" },
    region: "europe-west4",
    network: "default",
    cluster: { name: { example: "ml-platform" }, location: "europe-west4", installReleases: false },
  },
  platforms: { mlflow: { workers: 1 }, prefect: {} },
} satisfies EnvironmentSpec;
