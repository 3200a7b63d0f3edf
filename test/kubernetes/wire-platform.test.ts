import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { wirePlatform } from "../../constructs/kubernetes/wire-platform";
import { resolveUnknown } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { NETWORK } from "../fixtures/aws";

const database = { host: "db.example.internal", ca: "PEM" };
const masterSecret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf";
/** What a platform cannot be wired without. */
const KUBEFLOW = {
  settings: {
    images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:master", "cache-server": "ghcr.io/kubeflow/kfp-cache-server:master" },
  },
  acknowledge: { "kubeflow-pipelines-is-for-development": "a test of the wiring" },
};

describe("a platform that is wired into an existing database", () => {
  it("gets what an environment with this database gives it", () => {
    const settings = { replicas: 2, hosts: ["mlflow.example.com"], values: { podAnnotations: { team: "ml" } } };
    const environment = resolveUnknown(
      {
        name: "team",
        aws: { region: "eu-central-1", network: NETWORK },
        instances: { main: { existing: { host: database.host, masterSecret } } },
        platforms: { mlflow: settings },
      },
      { target: aws, platforms },
    );
    const { mlflow } = wirePlatforms(environment, platforms, () => ({ host: database.host, port: 5432, sidecar: null }));
    const alone = wirePlatform({ platform: platforms.mlflow, settings, ...database });
    expect(alone.wired).toEqual(mlflow);
    expect(alone.values).toMatchObject({ replicaCount: 2, podAnnotations: { team: "ml" } });
    expect(alone.chart).toEqual({ chart: "mlflow", repository: "https://community-charts.github.io/helm-charts", version: "1.11.5" });
    expect(alone.objects.map(({ kind }) => kind)).toEqual(["Namespace", "ConfigMap"]);
  });

  it.each(Object.entries(platforms))("can be %s", (kind, platform) => {
    const { wired, values } = wirePlatform({ platform, ...database, ...(kind === "kubeflow-pipelines" ? KUBEFLOW : {}) });
    expect(wired.kind).toBe(kind);
    expect(wired.connection).toMatchObject({ host: database.host, port: 5432, secret: `${kind}-db`, tls: { mode: "verify-full" } });
    expect(Object.keys(values).length > 0).toBe(wired.wiring.release.kind === "helm");
  });

  it("reads the Secret that is named, and one that External Secrets writes", () => {
    const externalSecret = { key: "prod/mlflow", store: "vault" };
    const { values, objects } = wirePlatform({ platform: platforms.mlflow, ...database, secret: "login", externalSecret });
    expect(values.backendStore).toMatchObject({ existingDatabaseSecret: { name: "login" } });
    expect(objects.find(({ kind }) => kind === "ExternalSecret")).toMatchObject({
      metadata: { name: "login", namespace: "mlflow" },
      spec: { secretStoreRef: { kind: "ClusterSecretStore", name: "vault" }, dataFrom: [{ extract: { key: "prod/mlflow" } }] },
    });
  });

  it("carries a host that is known at deployment only, and verifies no name where told so", () => {
    const host = "${Token[Main.Endpoint.42]}";
    const { wired } = wirePlatform({ platform: platforms.prefect, ...database, host, tls: "verify-ca" });
    expect(wired.connection).toMatchObject({ host, tls: { mode: "verify-ca" } });
  });

  it("reports what is wrong where the caller wrote it, all at once", () => {
    const { mlflow } = platforms;
    const wire = (its: object) => () => wirePlatform({ platform: mlflow, ...database, ...its });
    expect(wire({ host: "https://db:5432" })).toThrow("host: must be a DNS name or an address, without a port, got");
    expect(wire({ port: 0, settings: { replicas: 0, worker: 1 } })).toThrow(
      /^invalid spec:\n {2}- port: .*\n {2}- settings\.worker: unknown key; did you mean "workers"\?\n {2}- settings\.replicas: /,
    );
    expect(wire({ settings: { access: "sidecar" } })).toThrow('settings.access: needs a cloud\'s proxy, got "sidecar"; use "direct"');
    expect(wire({ settings: { values: { backendStore: null } } })).toThrow("settings.values.backendStore: ");
    expect(wire({ maxConnections: 20 })).toThrow(/maxConnections: .*raise max_connections of the server, and maxConnections, to \d+/);
    // @ts-expect-error: no setting of MLflow.
    expect(() => wirePlatform({ platform: mlflow, ...database, settings: { redisHost: "r" } })).toThrow("settings.redisHost: unknown key");
  });
});
