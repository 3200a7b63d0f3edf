import { describe, expect, it } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, fullGcp, minimalGcp, withGcp } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

const HOST = "read.main.read.postgres.internal";
const REPLICA = "my-project:europe-west4:read-main-replica1-1a2b3c4";

const spec = (access: string, platforms: object = {}, main: object = { readReplicas: 2 }): NamedSpec =>
  withGcp(
    {
      ...minimalGcp,
      name: "read",
      instances: { main },
      platforms: { mlflow: { access, readFromReplica: true }, ...platforms },
    } as NamedSpec,
    { cluster: CLUSTER },
  );
const valuesOf = async (access: string, main?: object) =>
  JSON.stringify(one(await registrationsOf(spec(access, {}, main)), "Release", /^mlflow$/).inputs.values);

describe("a platform that reads from a replica of Cloud SQL", () => {
  it("connects to the first one directly by a private name, and waits for both", async () => {
    const registrations = await registrationsOf(spec("direct"));
    const replica = one(registrations, "DatabaseInstance", /replica1$/);
    const record = one(registrations, "RecordSet", /replica1$/);
    expect(record.inputs).toMatchObject({ name: `${HOST}.`, type: "A", managedZone: "read-main-1a2b3c4" });
    expect([record.protect, one(registrations, "RecordSet", /main$/).protect]).toEqual([false, true]);
    const release = one(registrations, "Release", /^mlflow$/);
    expect(JSON.stringify(release.inputs.values)).toContain(`postgresql+psycopg2:///?host=${HOST}&port=5432`);
    const secret = one(registrations, "ExternalSecret", /^mlflow/);
    expect(secret.dependsOn).toEqual(expect.arrayContaining([replica.urn, record.urn]));
    expect(release.dependsOn).toContain(secret.urn);
    expect(ofType(registrations, "RecordSet")).toHaveLength(2);
  });

  it("connects through a second port of the proxy beside it, which may connect to both", async () => {
    const registrations = await registrationsOf(spec("sidecar"));
    const values = await valuesOf("sidecar");
    expect(values).toContain("postgresql+psycopg2:///?host=127.0.0.1&port=5433");
    expect(values).toContain('{"key":"CSQL_PROXY_INSTANCE_CONNECTION_NAME_1","name":"mlflow-db-proxy"}');
    expect(one(registrations, "ConfigMap", /^mlflow-configmap-mlflow-db-proxy$/).inputs.data).toEqual({
      CSQL_PROXY_INSTANCE_CONNECTION_NAME: "my-project:europe-west4:read-main-1a2b3c4",
      CSQL_PROXY_INSTANCE_CONNECTION_NAME_1: `${REPLICA}?port=5433`,
    });
    const rights = ofType(registrations, "IAMMember").filter(({ name }) => name.startsWith("mlflow"));
    expect(rights.map(({ inputs }) => /instances\/([\w-]+)/.exec(JSON.stringify(inputs.condition))?.[1])).toEqual([
      "read-main-1a2b3c4",
      "read-main-replica1-1a2b3c4",
    ]);
    expect(new Set(rights.map(({ inputs }) => inputs.member)).size).toBe(1);
  });

  it("connects through a second port of the proxy's pods, which is open to its namespace", async () => {
    const registrations = await registrationsOf(spec("proxy"));
    const ports = (type: string) => JSON.stringify(one(registrations, type, /mlflow-db-proxy$/).inputs.spec);
    expect(await valuesOf("proxy")).toContain("postgresql+psycopg2:///?host=mlflow-db-proxy.mlflow.svc&port=5433");
    expect(ports("Deployment")).toContain('[{"containerPort":5432,"name":"postgresql"},{"containerPort":5433,"name":"replica"}]');
    expect(ports("Deployment")).toContain('{"key":"CSQL_PROXY_INSTANCE_CONNECTION_NAME_1","name":"mlflow-db-proxy"}');
    expect(ports("Service")).toContain('{"name":"replica","port":5433,"targetPort":"replica"}');
    expect(ports("NetworkPolicy")).toContain('[{"port":5432,"protocol":"TCP"},{"port":5433,"protocol":"TCP"}]');
  });

  it("shows the replica in the outputs, if there is one", async () => {
    const outputs = async (main?: object) => (await registrationsOf(spec("direct", {}, main))).outputs as { instances: { main: object } };
    expect((await outputs()).instances.main).toMatchObject({ reader: { host: HOST, port: 5432, connectionName: REPLICA } });
    expect((await outputs({})).instances.main).not.toHaveProperty("reader");
  });

  it.each(["direct", "sidecar", "proxy"])(
    "leaves everything of %s as it is where it does not read, or there is no replica",
    async (access) => {
      const resources = async (readFromReplica: boolean, main: object) =>
        (await registrationsOf(spec(access, { mlflow: { access, readFromReplica } }, main))).resources.filter(({ name }) =>
          name.startsWith("mlflow"),
        );
      const without = await resources(false, {});
      expect(without.length).toBeGreaterThan(3);
      expect(await resources(true, {})).toEqual(without);
      expect(await resources(false, { readReplicas: 2 })).toEqual(without);
    },
  );

  it("carries the replica's name in its certificate where a pool of the customer's signs it", async () => {
    const namesOf = async (name: RegExp) => {
      const { settings } = one(await registrationsOf(fullGcp), "DatabaseInstance", name).inputs;
      return (settings as { ipConfiguration: { customSubjectAlternativeNames?: readonly string[] } }).ipConfiguration
        .customSubjectAlternativeNames;
    };
    expect(await namesOf(/replica1$/)).toEqual(["read.main.full.postgres.internal"]);
    expect(await namesOf(/replica2$/)).toBeUndefined();
  });
});
