import type { EnvironmentSpec } from "../../infra/spec";

/** MLflow and Prefect in an EKS cluster, with their databases on RDS: a standby, a read replica and 30 days of backups. */
export default {
  // Tags of all created resources, in addition to the environment's name.
  owner: "ml-platform",
  labels: { stage: "production" },
  aws: {
    region: "eu-central-1",
    // Replace each { example: "..." } with your ID in quotes. Until then you can plan and render, but not deploy.
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
      // Security groups of the nodes or pods that connect to the databases.
      securityGroups: [{ example: "sg-0a1b2c3d4e5f60713" }],
      clusterSecurityGroup: { example: "sg-0a1b2c3d4e5f60715" },
      oidcProvider: { example: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C3D4E5F60714" },
      // Leave these out if the cluster already has External Secrets or Reloader.
      installExternalSecrets: true,
      installReloader: true,
    },
  },
  instances: {
    main: { size: { vcpus: 4, memoryGib: 16 }, storageGib: 400, readReplicas: 1, backupRetentionDays: 30 },
  },
  platforms: {
    mlflow: { replicas: 2, workers: 4, hosts: ["mlflow.example.com"] },
    prefect: { replicas: 2, redisHost: "redis.example.internal" },
  },
} satisfies EnvironmentSpec;
