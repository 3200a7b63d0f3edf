import { describe, expect, it } from "vitest";
import { existingGcp, fullGcp } from "../../fixtures/gcp";
import { CANARY, ofType, registrationsOf } from "../../fixtures/registrations";

describe("secrets", () => {
  it("stand nowhere but where Pulumi encrypts them: the master's, at its login and in its secret", async () => {
    const registrations = await registrationsOf(fullGcp);
    const secret = registrations.resources.flatMap(({ type, secrets }) => secrets.map((path) => `${type.split(":").at(-1)}.${path}`));
    expect(secret.sort()).toEqual(["SecretVersion.secretData", "User.password"]);
    expect(JSON.stringify(registrations)).not.toContain(CANARY);
  });

  it("of platforms are made empty, in the region of the databases, and encrypted with the environment's key", async () => {
    const registrations = await registrationsOf(fullGcp);
    const platforms = ofType(registrations, "Secret").filter(({ name }) => !name.endsWith("--master"));
    expect(platforms.map(({ inputs }) => inputs.secretId)).toEqual([
      "full--flyte",
      "full--kubeflow-pipelines",
      "full--mlflow",
      "full--prefect",
      "full--skillflaw",
    ]);
    expect(ofType(registrations, "SecretVersion").map(({ name }) => name)).toEqual(["full--main--master"]);
    for (const { inputs } of platforms) {
      expect(inputs.replication).toEqual({
        userManaged: {
          replicas: [
            {
              location: "europe-west4",
              customerManagedEncryption: { kmsKeyName: "projects/keys-project/locations/europe-west4/keyRings/ml/cryptoKeys/postgres" },
            },
          ],
        },
      });
    }
  });

  it("of a master that somebody else has are only named", async () => {
    const registrations = await registrationsOf(existingGcp);
    expect(ofType(registrations, "RandomPassword")).toEqual([]);
    expect(registrations.outputs).toMatchObject({ instances: { main: { masterSecret: "projects/my-project/secrets/postgres-master" } } });
  });

  it("do not include the certificate, which the outputs show", async () => {
    expect(JSON.stringify((await registrationsOf(fullGcp)).outputs)).toContain("of the instance");
  });
});
