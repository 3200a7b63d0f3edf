import type { EnvironmentSpec } from "../spec";

/**
 * For daily work: standbys in a second zone, a month of backups, and Prefect's background services separate from its servers.
 *
 * Flyte has its own instance: its load comes in bursts with the workflows, it keeps their history, which grows without end, and its
 * upgrades need different windows. None of this should slow MLflow's pages, or wait for them.
 */
export default {
  labels: { stage: "production" },
  owner: "ml-platform",
  // Replace the placeholders with your IDs: until then nothing can be deployed.
  aws: {
    region: "eu-central-1",
    account: { example: "111122223333" },
    network: {
      vpc: { example: "vpc-0a1b2c3d4e5f60718" },
      privateSubnets: [
        { id: { example: "subnet-0a1b2c3d4e5f60711" }, zone: "eu-central-1a" },
        { id: { example: "subnet-0a1b2c3d4e5f60712" }, zone: "eu-central-1b" },
      ],
    },
    cluster: {
      name: { example: "ml-platform" },
      securityGroups: [{ example: "sg-0a1b2c3d4e5f60713" }],
      clusterSecurityGroup: { example: "sg-0a1b2c3d4e5f60715" },
      oidcProvider: { example: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C3D4E5F60714" },
      installExternalSecrets: true,
      installReloader: true,
    },
  },
  gcp: {
    project: { example: "my-project" },
    projectNumber: { example: "123456789012" },
    region: "europe-west4",
    network: { example: "ml-platform" },
    edition: "ENTERPRISE",
    cluster: {
      name: { example: "ml-platform" },
      location: "europe-west4",
      installExternalSecrets: true,
      installReloader: true,
    },
    notificationChannels: [{ example: "projects/my-project/notificationChannels/1234567890" }],
  },
  instances: {
    main: {
      size: { vcpus: 4, memoryGib: 16 },
      storageGib: 400,
      backupRetentionDays: 30,
      readReplicas: 1,
      allowedSources: ["10.0.0.0/16"],
    },
    flyte: {
      size: { vcpus: 4, memoryGib: 16 },
      storageGib: 400,
      backupRetentionDays: 30,
      allowedSources: ["10.0.0.0/16"],
      maintenanceWindow: "sat:04:00-sat:05:00",
    },
  },
  platforms: {
    flyte: { instance: "flyte", chart: "flyte-core", replicas: 2, scheduler: true },
    mlflow: { instance: "main", replicas: 2, workers: 4 },
    prefect: { instance: "main", replicas: 2, poolSize: 10, maxOverflow: 10, redisHost: "redis.example.internal" },
    skillflaw: {
      instance: "main",
      replicas: 3,
      redisHost: "redis.example.internal",
      secretKeySecret: "skillflaw-key",
      configClaim: "skillflaw-files",
      // By digest, because its project only publishes the tag `latest`.
      images: {
        skillflaw: "registry.example.internal/skillflaw_backend@sha256:0000000000000000000000000000000000000000000000000000000000000000",
      },
    },
  },
} satisfies EnvironmentSpec;
