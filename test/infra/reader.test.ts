import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LIBPQ_QUERY } from "../../constructs/model/dead-connections";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { awsCloud } from "../../infra/aws/cloud";
import { gcpCloud } from "../../infra/gcp/cloud";
import { minimalAws, resolveAws } from "../fixtures/aws";
import { temporary } from "../fixtures/cli";
import { minimalGcp, resolveGcp } from "../fixtures/gcp";

const directory = temporary();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const instances = { main: { readReplicas: 1 } };
const READER_URI = "MLFLOW_READ_REPLICA_BACKEND_STORE_URI";

function written(content: object): string {
  const file = join(directory, "outputs.json");
  writeFileSync(file, JSON.stringify(content));
  return file;
}

describe("files that npm run render writes from outputs", () => {
  const aws = (main: object) => {
    const environment = resolveAws({ ...minimalAws, name: "read", instances, platforms: { mlflow: { readFromReplica: true } } });
    const file = written({ "postgres-read-access": { Instances: JSON.stringify({ main }), Platforms: "{}" } });
    const deployment = awsCloud.readDeployment(environment, file);
    return wirePlatforms(environment, platforms, (its) => deployment.reach(its)).mlflow;
  };
  const server = { host: "main.abc.eu-central-1.rds.amazonaws.com", port: 5432 };

  it("read from the replica of RDS that the outputs have", () => {
    const reader = { host: "replica.abc.eu-central-1.rds.amazonaws.com", port: 5432 };
    const wired = aws({ ...server, reader });
    expect(wired?.connection).toMatchObject({ ...server, reader });
    expect(wired?.wiring.variables[READER_URI]).toBe(`postgresql+psycopg2:///?host=${reader.host}&port=5432&${LIBPQ_QUERY}`);
  });

  it("read from the primary where the outputs are of an earlier version", () => {
    expect(aws(server)?.connection.reader).toBeNull();
  });

  it.each([
    ["direct", "read.main.read.postgres.internal", 5432],
    ["sidecar", "127.0.0.1", 5433],
    ["proxy", "mlflow-db-proxy.mlflow.svc", 5433],
  ] as const)("read from the replica of Cloud SQL by %s", (access, host, port) => {
    const environment = resolveGcp({ ...minimalGcp, name: "read", instances, platforms: { mlflow: { access, readFromReplica: true } } });
    const main = { host: "main.read.postgres.internal", port: 5432, ca: "CA", connectionName: "p:r:main", masterSecret: "m" };
    const reader = { host: "read.main.read.postgres.internal", port: 5432, connectionName: "p:r:replica" };
    const render = (instance: object) => {
      const file = written({ environment: "read", instances: { main: instance }, platforms: {} });
      const deployment = gcpCloud.readDeployment(environment, file);
      const wired = wirePlatforms(environment, platforms, (its) => deployment.reach(its)).mlflow;
      if (wired === undefined) throw new TypeError("mlflow was not wired");
      return { wired, objects: JSON.stringify(deployment.accessObjects("mlflow", wired)) };
    };
    const { wired, objects } = render({ ...main, reader });
    expect(wired.connection.reader).toEqual({ host, port });
    expect(objects.includes('"CSQL_PROXY_INSTANCE_CONNECTION_NAME_1":"p:r:replica?port=5433"')).toBe(access !== "direct");
    const earlier = render(main);
    expect(earlier.wired.connection.reader).toBeNull();
    expect(earlier.objects + JSON.stringify(earlier.wired.wiring)).not.toMatch(/5433|NAME_1|REPLICA/);
  });
});
