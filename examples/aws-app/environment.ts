import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { PostgresEnvironment } from "platform-postgres/aws/environment";

/** PostgreSQL for MLflow and Prefect in an existing network: three stacks in addition to yours. */
const app = new App();
const postgres = new PostgresEnvironment(app, "Postgres", {
  spec: {
    name: "team",
    aws: {
      region: "eu-central-1",
      network: {
        vpc: "vpc-0a1b2c3d4e5f60718",
        privateSubnets: [
          { id: "subnet-0a1b2c3d4e5f60711", zone: "eu-central-1a" },
          { id: "subnet-0a1b2c3d4e5f60712", zone: "eu-central-1b" },
        ],
      },
    },
    instances: { main: { size: { vcpus: 2, memoryGib: 8 }, storageGib: 50 } },
    platforms: { mlflow: {}, prefect: {} },
  },
});

const own = new Stack(app, "Own", { env: { region: "eu-central-1" } });
new CfnOutput(own, "Host", { value: postgres.instances.main?.connection.host ?? "" });
