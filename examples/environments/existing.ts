import type { EnvironmentSpec } from "../../infra/spec";

/** Databases for MLflow and Prefect on an existing RDS instance. Only databases and roles are created in it. */
export default {
  aws: {
    region: "eu-central-1",
    account: { example: "111122223333" },
    // The provisioning function runs in this network.
    network: {
      vpc: { example: "vpc-0a1b2c3d4e5f60718" },
      privateSubnets: [
        { id: { example: "subnet-0a1b2c3d4e5f60711" }, zone: "eu-central-1a" },
        { id: { example: "subnet-0a1b2c3d4e5f60712" }, zone: "eu-central-1b" },
      ],
    },
    // The database's security group, which then admits the function.
    existingSecurityGroups: { main: { example: "sg-0a1b2c3d4e5f60713" } },
  },
  instances: {
    main: {
      majorVersion: 16,
      existing: {
        host: "db.abcdefgh.eu-central-1.rds.amazonaws.com",
        // A login with CREATEROLE and CREATEDB; it need not be a superuser.
        masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:postgres-master-AbCdEf",
        // The result of `SHOW max_connections`.
        maxConnections: 200,
      },
    },
  },
  platforms: { mlflow: {}, prefect: {} },
} satisfies EnvironmentSpec;
