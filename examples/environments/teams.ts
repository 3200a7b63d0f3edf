import type { EnvironmentSpec } from "../../infra/spec";

/** MLflow for two teams, Grafana, and a team's service with two databases: on this machine, AWS or Google Cloud. */
export default {
  owner: "ml-platform",
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
      securityGroups: [{ example: "sg-0a1b2c3d4e5f60713" }],
      clusterSecurityGroup: { example: "sg-0a1b2c3d4e5f60715" },
      oidcProvider: { example: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C3D4E5F60714" },
    },
  },
  gcp: {
    project: { example: "my-project" },
    projectNumber: { example: "123456789012" },
    region: "europe-west4",
    network: { example: "ml-platform" },
    cluster: { name: { example: "ml-platform" }, location: "europe-west4" },
  },
  instances: { main: {} },
  platforms: {
    mlflow: {},
    // The key is your name: it becomes the name of the database, the namespace, the release and the Secret.
    "mlflow-research": { platform: "mlflow", workers: 1 },
    // No chart: your Deployment, or Grafana's own chart, reads the Secret.
    grafana: { platform: "application", connections: 10 },
    "feature-store": {
      platform: "application",
      connections: 20,
      // "main" has the keys without a prefix, such as uri; "events" has events-uri.
      databases: { main: "features", events: { extensions: ["pg_trgm"] } },
    },
  },
} satisfies EnvironmentSpec;
