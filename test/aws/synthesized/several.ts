import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../constructs/model/json";
import teams from "../../../examples/environments/teams";
import type { Template } from "../../../infra/aws/templates";
import { ofType, text, wholeOf } from "../../fixtures/templates";

const [access, platforms] = (["access", "platforms"] as const).map((part) => wholeOf({ ...teams, name: "teams" }, part)) as [
  Template,
  Template,
];
const NAMES = Object.keys(teams.platforms).sort();

type KubernetesObject = JsonObject & { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } };

/** What a manifest contains; values of other stacks are left out. */
function objectsIn(manifest: unknown): readonly KubernetesObject[] {
  const parts = typeof manifest === "string" ? [manifest] : (manifest as { readonly "Fn::Join": [string, unknown[]] })["Fn::Join"][1];
  return JSON.parse(parts.map((part) => (typeof part === "string" ? part : "")).join("")) as readonly KubernetesObject[];
}

const objects = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).flatMap(({ Properties: its }) =>
  objectsIn(its?.Manifest),
);
const inNamespace = (namespace: string) =>
  objects.filter(({ metadata }) => metadata.namespace === namespace).map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe("several of one platform", () => {
  it("have a secret each, and a role for External Secrets that no other may take", () => {
    const descriptions = Object.values(ofType(access, "AWS::SecretsManager::Secret")).map(({ Properties: its }) => its?.Description);
    expect(descriptions.sort()).toEqual(NAMES.map((name) => `Database login of ${name} in teams`));
    const trusted = text(Object.values(ofType(access, "AWS::IAM::Role"))).match(/system:serviceaccount:[\w-]+:[\w-]+/g);
    expect(trusted?.sort()).toEqual(NAMES.map((name) => `system:serviceaccount:${name}:${name}-db-store`).sort());
  });

  it("share no object of the cluster, and no release", () => {
    const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ""} ${metadata.name}`);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const releases = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).map(({ Properties: its }) => [
      its?.Release,
      its?.Namespace,
      its?.Chart,
    ]);
    expect(releases).toEqual([
      ["mlflow", "mlflow", "mlflow"],
      ["mlflow-research", "mlflow-research", "mlflow"],
    ]);
  });
});

describe("an application", () => {
  it("has all that its Deployment needs in the cluster, and no chart", () => {
    expect(objects.filter(({ kind, metadata }) => kind === "Namespace" && metadata.name === "grafana")).toHaveLength(1);
    const owner = inNamespace("grafana").filter((each) => /-owner$/.test(each));
    expect(owner).toHaveLength(1);
    expect(inNamespace("grafana").filter((each) => !owner.includes(each))).toEqual([
      "ServiceAccount grafana-db-store",
      "SecretStore grafana-db-store",
      "ConfigMap grafana-db-ca",
      "ExternalSecret grafana-db",
    ]);
    expect(inNamespace("mlflow").map((each) => each.replaceAll("mlflow", "grafana"))).toEqual(inNamespace("grafana"));
  });

  it("is deployed only when its Secret is there", () => {
    const waits = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue"))
      .map(({ Properties: its }) => its)
      .filter((its) => its?.ObjectType === "secret");
    expect(waits.map((its) => `${its?.ObjectNamespace} ${its?.ObjectName}`).sort()).toEqual(NAMES.map((name) => `${name} ${name}-db`));
  });
});
