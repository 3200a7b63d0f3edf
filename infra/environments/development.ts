import type { EnvironmentSpec } from "../spec";

/** One small server for a team to try things on; it may be deleted, and nobody is woken when its zone fails. */
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
  // A network of its own, and no cluster: the databases, and files for whatever runs the platforms.
  aws: { region: "eu-central-1", applyImmediately: true, logRetentionDays: 7 },
  // Of Google Cloud's there is always something that you have: a project, its network, and a cluster in it, where databases are made.
  gcp: {
    project: { example: "my-project" },
    projectNumber: { example: "123456789012" },
    region: "europe-west4",
    network: "default",
    cluster: { name: { example: "ml-platform" }, location: "europe-west4", installReleases: false },
  },
  platforms: { mlflow: { workers: 1 }, prefect: {} },
} satisfies EnvironmentSpec;
