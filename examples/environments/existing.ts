import type { EnvironmentSpec } from "../../infra/spec";

/** Databases for MLflow and Prefect on an RDS instance that exists. Only databases and roles are created in it. */
export default {
  aws: {
    region: "eu-central-1",
    account: { example: "111122223333" },
    // The function that provisions runs in this network.
    network: {
      vpc: { example: "vpc-0a1b2c3d4e5f60718" },
      privateSubnets: [
        { id: { example: "subnet-0a1b2c3d4e5f60711" }, zone: "eu-central-1a" },
        { id: { example: "subnet-0a1b2c3d4e5f60712" }, zone: "eu-central-1b" },
      ],
    },
    // The security group of the database: the function is let in.
    existingSecurityGroups: { main: { example: "sg-0a1b2c3d4e5f60713" } },
  },
  instances: {
    main: {
      majorVersion: 16,
      existing: {
        host: "db.abcdefgh.eu-central-1.rds.amazonaws.com",
        // A login with CREATEROLE and CREATEDB; it needs no superuser.
        masterSecret: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:postgres-master-AbCdEf",
        // What `SHOW max_connections` prints.
        maxConnections: 200,
      },
    },
  },
  platforms: { mlflow: {}, prefect: {} },
} satisfies EnvironmentSpec;
