import { describe, expect, it } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { CLUSTER, minimalAws, NETWORK, withAws, withMain } from "../../fixtures/aws";
import { ofType, propertiesOf, templatesOf, text, wholeOf } from "../../fixtures/templates";

const READER_URI = "MLFLOW_READ_REPLICA_BACKEND_STORE_URI";
const base = withAws({ ...minimalAws, name: "read" }, { network: NETWORK, cluster: CLUSTER });
const spec = (readReplicas: number, platforms: object): NamedSpec => withMain({ ...base, platforms } as NamedSpec, { readReplicas });
const mlflow = { mlflow: { readFromReplica: true } };

/** The output of the database's stack with a replica's endpoint. */
function endpointOf(read: NamedSpec): string {
  const found = Object.entries(templatesOf(read).database.Outputs ?? {}).filter(([, { Value }]) =>
    /mainReplica1\w+","Endpoint/.test(text(Value)),
  );
  expect(found).toHaveLength(1);
  return found[0]?.[0] ?? "";
}

describe("a platform that reads from a replica of RDS", () => {
  it("connects to the first one's endpoint, over the stacks, without an export that would keep the replica", () => {
    const read = spec(2, mlflow);
    const { Values: values } = propertiesOf(templatesOf(read).platforms, "Custom::AWSCDK-EKS-HelmChart", /mlflow/);
    expect(text(values)).toMatch(new RegExp(`${READER_URI}.{0,60}host=.{0,200}${endpointOf(read)}`));
    expect(text(templatesOf(read))).not.toMatch(/"Export":\{"Name":"[^"]*Replica/);
  });

  it("admits the clients of the primary", () => {
    const instances = Object.values(ofType(templatesOf(spec(1, mlflow)).database, "AWS::RDS::DBInstance"));
    expect(new Set(instances.map(({ Properties: its }) => text(its?.VPCSecurityGroups))).size).toBe(1);
  });

  it("does so in a nested stack, too: an MLflow of another name, and an application", () => {
    const read = spec(1, { research: { platform: "mlflow", readFromReplica: true }, shop: { platform: "application" } });
    const whole = text(wholeOf(read, "platforms"));
    expect(whole).toContain(READER_URI);
    expect(whole).toContain("read-host");
    // Looked up by the nested stack itself, as the primary is.
    expect(whole).toMatch(new RegExp(`host=.{0,100}GetStackOutput.{0,200}${endpointOf(read)}`));
  });

  it("changes nothing of the servers, whatever reads", () => {
    const none = templatesOf(spec(1, { prefect: {} })).database;
    for (const platforms of [mlflow, { mlflow: { readFromReplica: false } }, { shop: { platform: "application" } }])
      expect(text(templatesOf(spec(1, platforms)).database)).toBe(text(none));
  });

  it("is shown in the outputs, if there is one", () => {
    const instances = (read: NamedSpec) => text(templatesOf(read).access.Outputs?.Instances?.Value);
    expect(instances(spec(1, mlflow))).toContain('\\"reader\\":{\\"host\\"');
    expect(instances(spec(0, mlflow))).not.toContain("reader");
    expect(text(templatesOf(spec(0, mlflow)))).toBe(text(templatesOf(spec(0, { mlflow: { readFromReplica: false } }))));
  });
});
