import { describe, expect, it } from "vitest";
import teams from "../../../examples/environments/teams";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

const spec = { ...teams, name: "teams" };
const NAMES = Object.keys(teams.platforms).sort();
const metadataOf = ({ inputs }: { readonly inputs: Readonly<Record<string, unknown>> }) =>
  inputs.metadata as { readonly name: string; readonly namespace?: string };

/** Objects of the cluster, as `kind namespace name`. */
async function objects(): Promise<readonly string[]> {
  const { resources } = await registrationsOf(spec);
  const found = resources.filter(({ type }) => type.startsWith("kubernetes:") && !type.endsWith(":Release"));
  return found.map((each) => `${each.type.split(":").at(-1)} ${metadataOf(each).namespace ?? ""} ${metadataOf(each).name}`);
}
const inNamespace = async (namespace: string) =>
  (await objects()).filter((each) => each.split(" ")[1] === namespace).map((each) => each.replace(` ${namespace} `, " "));

describe("several of one platform", () => {
  it("have a secret each, and service accounts that no other runs as", async () => {
    const registrations = await registrationsOf(spec);
    const secrets = ofType(registrations, "Secret").map(({ inputs }) => inputs.secretId);
    expect(secrets.sort()).toEqual(["teams--main--master", ...NAMES.map((name) => `teams--${name}`)].sort());
    const clients = ofType(registrations, "IAMMember").map(({ inputs }) => String(inputs.member));
    expect(new Set(clients).size).toBe(clients.length);
    for (const name of NAMES) expect(clients.filter((member) => member.includes(`ns/${name}/sa/`))).toHaveLength(1);
  });

  it("share no object of the cluster, and no release", async () => {
    const all = await objects();
    expect(all.filter((id, index) => all.indexOf(id) !== index)).toEqual([]);
    const releases = ofType(await registrationsOf(spec), "Release").map(({ inputs: { name, namespace, chart } }) => [
      name,
      namespace,
      chart,
    ]);
    expect(releases).toEqual([
      ["mlflow", "mlflow", "mlflow"],
      ["mlflow-research", "mlflow-research", "mlflow"],
    ]);
  });
});

describe("an application", () => {
  it("has all that its Deployment needs in the cluster, and no chart", async () => {
    expect((await inNamespace("grafana")).sort()).toEqual([
      "ConfigMap grafana-db-proxy",
      "ExternalSecret grafana-db",
      "SecretStore grafana-db-store",
      "ServiceAccount grafana-db-client",
      "ServiceAccount grafana-db-store",
    ]);
    const namespaces = ofType(await registrationsOf(spec), "Namespace").filter(({ name }) => name !== "provisioning-namespace");
    expect(namespaces.map((each) => [metadataOf(each).name, each.retainOnDelete]).sort()).toEqual(NAMES.map((name) => [name, true]));
  });

  it("waits for its Secret, and for databases and rights", async () => {
    const registrations = await registrationsOf(spec);
    const secret = one(registrations, "ExternalSecret", /^grafana\./);
    expect(secret.inputs.metadata).toMatchObject({ annotations: { "pulumi.com/waitFor": "condition=Ready" } });
    expect(secret.dependsOn).toContain(one(registrations, "Job").urn);
  });
});
