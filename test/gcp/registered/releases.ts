import { describe, expect, it } from "vitest";
import { mapValues } from "../../../constructs/model/json";
import { deploy } from "../../../infra/gcp/deploy";
import { register } from "../../../infra/gcp/registrations";
import { pulumiProject } from "../../../infra/gcp/stored";
import { CLUSTER, existingGcp, fullGcp, resolveGcp, withGcp } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

const metadataOf = ({ inputs }: { readonly inputs: Readonly<Record<string, unknown>> }) =>
  inputs.metadata as { readonly name: string; readonly namespace: string; readonly annotations?: Readonly<Record<string, string>> };

describe("releases", () => {
  it("are those of the platforms that a chart installs, and of what they need first", async () => {
    const releases = ofType(await registrationsOf(fullGcp), "Release");
    const shown = releases.map(({ inputs: { name, namespace, chart, version, atomic, skipAwait } }) => [
      name,
      namespace,
      chart,
      version,
      atomic,
      skipAwait,
    ]);
    expect(shown).toEqual([
      ["platform-postgres-external-secrets", "platform-postgres-external-secrets", "external-secrets", "2.9.0", true, undefined],
      ["flyte", "flyte", "flyte-binary", "v2.0.42", true, false],
      ["mlflow", "mlflow", "mlflow", "1.11.5", true, false],
      // Its hook migrates after the pods, which are ready only then: helm must not wait for them.
      ["prefect", "prefect", "prefect-server", "2026.8.18172642", false, true],
      ["platform-postgres-reloader", "platform-postgres-reloader", "reloader", "2.2.16", true, undefined],
      ["skillflaw", "skillflaw", expect.stringMatching(/^(\.\.\/)*constructs\/platforms\/skillflaw\/chart$/), undefined, true, false],
    ]);
  });

  it("are of the versions that the environment names, and so is the Auth Proxy of every pod", async () => {
    const cluster = {
      ...CLUSTER,
      installExternalSecrets: true,
      externalSecretsVersion: "2.14.0",
      installReloader: true,
      reloaderVersion: "2.2.17",
    };
    const registrations = await registrationsOf(withGcp(fullGcp, { cluster, authProxyVersion: "2.27.0" }));
    const versions = ofType(registrations, "Release").map(({ inputs: { chart, version } }) => `${chart} ${version}`);
    expect(versions).toEqual(expect.arrayContaining(["external-secrets 2.14.0", "reloader 2.2.17"]));
    const holders = registrations.resources.filter(({ inputs }) => JSON.stringify(inputs).includes("cloud-sql-proxy:"));
    expect(holders.map(({ type }) => type.split(":").at(-1)).sort()).toEqual(["CronJob", "Deployment", "Job", "Release", "Release"]);
    for (const { inputs } of holders) expect(JSON.stringify(inputs)).toContain('"gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.27.0"');
  });

  it("of operators stay when they are taken out, and so do the definitions of External Secrets when helm uninstalls it", async () => {
    const releases = ofType(await registrationsOf(fullGcp), "Release");
    expect(releases.filter(({ retainOnDelete }) => retainOnDelete).map(({ name }) => name)).toEqual(["external-secrets", "reloader"]);
    expect(one(await registrationsOf(fullGcp), "Release", /^external-secrets$/).inputs.values).toEqual({
      installCRDs: true,
      crds: { annotations: { "helm.sh/resource-policy": "keep" } },
    });
  });

  it("hold nothing that is known late, so that a preview shows all of them", async () => {
    for (const { inputs, name } of ofType(await registrationsOf(fullGcp, true), "Release"))
      expect(JSON.stringify(inputs), name).not.toContain("[unknown]");
  });

  it("wait for their Secret, and for databases and rights", async () => {
    const registrations = await registrationsOf(fullGcp);
    for (const platform of ["flyte", "mlflow", "prefect", "skillflaw"]) {
      const secret = one(registrations, "ExternalSecret", new RegExp(`^${platform}-`));
      expect(metadataOf(secret).annotations).toEqual({ "pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": "300" });
      expect(one(registrations, "Release", new RegExp(`^${platform}$`)).dependsOn).toContain(secret.urn);
      expect(secret.dependsOn).toEqual(
        expect.arrayContaining([one(registrations, "Job").urn, one(registrations, "Release", /^external-secrets$/).urn]),
      );
      const rights = registrations.resources.filter(
        ({ name, type }) => /IamMember|IAMMember/.test(type) && name.startsWith(`${platform}-`),
      );
      expect(rights.length).toBeGreaterThan(0);
      expect(secret.dependsOn).toEqual(expect.arrayContaining(rights.map(({ urn }) => urn)));
    }
  });

  it("have a store that reads one secret, as an account of the namespace", async () => {
    const store = one(await registrationsOf(fullGcp), "SecretStore", /^mlflow-/);
    expect(store.inputs.spec).toEqual({
      provider: {
        gcpsm: {
          projectID: "my-project",
          // Of a secret whose newest version is disabled it takes the one before, as our own program does.
          secretVersionSelectionPolicy: "LatestOrFetch",
          auth: {
            workloadIdentity: {
              clusterLocation: "europe-west4",
              clusterName: "ml",
              clusterProjectID: "my-project",
              serviceAccountRef: { name: "mlflow-db-store" },
            },
          },
        },
      },
    });
  });

  it("with a sidecar name the instance in a ConfigMap, and run as an account that may connect", async () => {
    const registrations = await registrationsOf(fullGcp);
    const configMap = one(registrations, "ConfigMap", /^mlflow-configmap-mlflow-db-proxy$/);
    expect(configMap.inputs.data).toMatchObject({ CSQL_PROXY_INSTANCE_CONNECTION_NAME: "my-project:europe-west4:full-main-1a2b3c4" });
    const values = one(registrations, "Release", /^mlflow$/).inputs.values as {
      readonly initContainers: readonly { readonly name: string; readonly restartPolicy?: string; readonly env: readonly object[] }[];
      readonly serviceAccount: object;
    };
    expect(values.serviceAccount).toEqual({ create: false, name: "mlflow-db-client" });
    expect(values.initContainers[0]).toMatchObject({ name: "database-proxy", restartPolicy: "Always" });
    expect(values.initContainers[0]?.env).toContainEqual({
      name: "CSQL_PROXY_INSTANCE_CONNECTION_NAME",
      valueFrom: { configMapKeyRef: { name: "mlflow-db-proxy", key: "CSQL_PROXY_INSTANCE_CONNECTION_NAME" } },
    });
    expect(ofType(registrations, "ServiceAccount").map(metadataOf)).toContainEqual(
      expect.objectContaining({ name: "mlflow-db-client", namespace: "mlflow" }),
    );
  });

  it("with a proxy of their own have two of it, behind a Service that only their namespace reaches", async () => {
    const registrations = await registrationsOf(fullGcp);
    const own = (kind: string) => one(registrations, kind, /^skillflaw-/).inputs;
    expect(own("Deployment").spec).toMatchObject({
      replicas: 2,
      template: {
        spec: {
          serviceAccountName: "skillflaw-db-proxy",
          automountServiceAccountToken: false,
          containers: [{ env: expect.arrayContaining([{ name: "CSQL_PROXY_ADDRESS", value: "0.0.0.0" }]) }],
        },
      },
    });
    const labels = (own("Deployment").spec as { selector: { matchLabels: object } }).selector.matchLabels;
    expect(own("Service").spec).toMatchObject({ selector: labels, ports: [{ port: 5432 }] });
    expect(own("NetworkPolicy").spec).toEqual({
      podSelector: { matchLabels: labels },
      policyTypes: ["Ingress"],
      ingress: [{ from: [{ podSelector: {} }], ports: [{ protocol: "TCP", port: 5432 }] }],
    });
    expect(JSON.stringify(one(registrations, "ExternalSecret", /^skillflaw-/).inputs)).toContain("@skillflaw-db-proxy.skillflaw.svc:5432/");
  });

  it("that connect directly have the CA in a ConfigMap, whatever the server is", async () => {
    const data = one(await registrationsOf(existingGcp), "ConfigMap", /mlflow-db-ca$/).inputs.data;
    expect(data).toEqual({ "ca.pem": expect.stringContaining("own") });
  });

  it("have namespaces that nothing deletes", async () => {
    const namespaces = ofType(await registrationsOf(fullGcp), "Namespace").filter(({ name }) => name !== "provisioning-namespace");
    expect(namespaces.map(({ retainOnDelete, inputs }) => [retainOnDelete, (inputs.metadata as { name: string }).name])).toEqual(
      ["flyte", "mlflow", "prefect", "skillflaw"].map((name) => [true, name]),
    );
  });

  it("share a namespace where the spec gives them one", async () => {
    const shared = { ...existingGcp, platforms: { mlflow: { namespace: "ml" }, prefect: { namespace: "ml" } } };
    const registrations = await registrationsOf(shared);
    const names = ofType(registrations, "Namespace").map(({ name }) => name);
    expect(names.sort()).toEqual(["namespace-ml", "provisioning-namespace"]);
    const provider = registrations.resources.find(({ type }) => type === "pulumi:providers:kubernetes");
    expect(provider?.inputs.upsertExistingObjects).toBe("true");
  });

  it("stay when the endpoint of the cluster changes: the provider is known by the cluster's name, whatever reaches it", async () => {
    const identifierOf = async (config: Readonly<Record<string, string>>, endpoint: string) => {
      const calls = { "gcp:container/getCluster:getCluster": { endpoint, masterAuths: [{ clusterCaCertificate: endpoint }] } };
      const environment = resolveGcp(existingGcp);
      const program = { project: pulumiProject(), stack: environment.name, preview: false, config, calls };
      const { resources } = await register(program, () => deploy(environment));
      return resources.find(({ type }) => type === "pulumi:providers:kubernetes")?.inputs;
    };
    const expected = "projects/my-project/locations/europe-west4/clusters/ml";
    const found = [
      await identifierOf({}, "10.30.0.2"),
      await identifierOf({}, "10.30.0.3"),
      await identifierOf({ "kubernetes:context": "ml" }, "10.30.0.2"),
      await identifierOf({ "kubernetes:kubeconfig": "apiVersion: v1" }, "10.30.0.2"),
    ];
    expect(found.map((inputs) => inputs?.clusterIdentifier)).toEqual([expected, expected, expected, expected]);
    expect(found.map((inputs) => inputs?.context ?? inputs?.kubeconfig)).toEqual([
      expect.stringContaining("10.30.0.2"),
      expect.stringContaining("10.30.0.3"),
      "ml",
      "apiVersion: v1",
    ]);
  });

  it("are left out without installReleases", async () => {
    const spec = withGcp(existingGcp, {
      cluster: { ...existingGcp.gcp?.cluster, name: "ml", location: "europe-west4", installReleases: false },
    });
    expect(ofType(await registrationsOf(spec), "Release")).toEqual([]);
  });

  it("talk to the cluster, to Google and to nothing else by chance: every resource has the provider that was made for it", async () => {
    const { resources } = await registrationsOf(fullGcp);
    const names = { gcp: "google", kubernetes: "cluster", random: "random" };
    const wrong = resources.filter(({ type, custom, provider }) => {
      const expected = mapValues(names, (name) => `::${name}::`)[type.split(":")[0] ?? ""];
      return custom && expected !== undefined && !provider.includes(expected);
    });
    expect(wrong.map(({ urn, provider }) => `${urn} by ${provider}`)).toEqual([]);
  });
});
