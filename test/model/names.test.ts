import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IDENTIFIER, KUBERNETES_NAME, kubernetesNames, NAME, roleNames, storeSecretName } from "../../constructs/model/names";

// The library knows no lookahead, so the length is filtered.
const name = fc.stringMatching(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/).filter((text) => NAME.pattern.test(text));
const release = fc.stringMatching(/^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/).filter((text) => KUBERNETES_NAME.pattern.test(text));
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

describe("names", () => {
  it("are what people will look for", () => {
    expect(roleNames("kubeflow-pipelines")).toEqual({
      owner: "kubeflow_pipelines_owner",
      logins: ["kubeflow_pipelines_a", "kubeflow_pipelines_b"],
    });
    expect(storeSecretName("production", "prefect")).toBe("production--prefect");
    expect(kubernetesNames("prefect")).toEqual({
      secret: "prefect-db",
      caConfigMap: "prefect-db-ca",
      migrateJob: "prefect-db-migrate",
      client: "prefect-db-client",
      proxy: "prefect-db-proxy",
      owner: "prefect-db-owner",
      secretStore: "prefect-db-store",
    });
  });

  it("stay within PostgreSQL's alphabet and length", () => {
    void fc.assert(
      fc.property(name, (platform) => {
        const { owner, logins } = roleNames(platform);
        for (const role of [owner, ...logins]) expect(role).toMatch(IDENTIFIER.pattern);
      }),
    );
  });

  it("stay within a secret store's alphabet and length", () => {
    void fc.assert(
      fc.property(
        name,
        name,
        (environment, platform) => void expect(storeSecretName(environment, platform)).toMatch(/^[A-Za-z0-9_-]{1,255}$/),
      ),
    );
  });

  it("stay within a Kubernetes label", () => {
    void fc.assert(
      fc.property(release, (its) => Object.values(kubernetesNames(its)).forEach((label) => void expect(label).toMatch(DNS_LABEL))),
    );
  });

  it("never fall together for two platforms", () => {
    void fc.assert(
      fc.property(name, name, (a, b) => {
        fc.pre(a !== b);
        const roles = [a, b].flatMap((platform) => [roleNames(platform).owner, ...roleNames(platform).logins]);
        expect(new Set(roles).size).toBe(6);
      }),
    );
  });

  it("never fall together for two secrets", () => {
    void fc.assert(
      fc.property(name, name, name, name, (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        expect(storeSecretName(a, b)).not.toBe(storeSecretName(c, d));
      }),
    );
    expect(storeSecretName("a-b", "c")).not.toBe(storeSecretName("a", "b-c"));
  });
});
