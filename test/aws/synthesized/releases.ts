import { describe, expect, it } from "vitest";
import { generationOf } from "../../../infra/aws/environment";
import { CLUSTER, minimalAws, productionAws, resolveAws, withAws } from "../../fixtures/aws";
import { masked, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const production = templatesOf(productionAws);
const minimal = templatesOf(minimalAws);

describe("the platforms stack", () => {
  const { platforms } = production;
  const manifests = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource"));

  it("installs every platform that has a chart, pinned, and what they need first", () => {
    const charts = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).map(({ Properties: its = {} }) => [
      its.Release,
      its.Version,
      its.Namespace,
    ]);
    expect(charts).toEqual([
      ["external-secrets", "2.9.0", "external-secrets"],
      ["reloader", "2.2.16", "reloader"],
      ["flyte", "v2.0.42", "flyte"],
      ["mlflow", "1.11.5", "mlflow"],
      ["prefect", "2026.8.18172642", "prefect"],
      // Its own chart, an asset.
      ["skillflaw", undefined, "skillflaw"],
    ]);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-HelmChart", /skillflaw/i).ChartAssetURL).toBeDefined();
  });

  it("starts a release only when its Secret is there", () => {
    const chart = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).find(([id]) => id.includes("prefect")) as unknown as [
      string,
      { DependsOn: string[] },
    ];
    const [ready] = Object.keys(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue")).filter((id) => id.includes("prefect"));
    expect(chart[1].DependsOn).toContain(ready);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue", /prefect/)).toMatchObject({
      ObjectType: "externalsecret",
      ObjectName: "prefect-db",
      ObjectNamespace: "prefect",
      JsonPath: '.status.conditions[?(@.status=="True")].type',
    });
  });

  it("never deletes a namespace, which holds what others put there", () => {
    const namespaces = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).filter(([id]) =>
      id.includes("Namespace"),
    );
    expect(namespaces).toHaveLength(4);
    for (const [, { DeletionPolicy, Properties }] of namespaces)
      expect([DeletionPolicy, Properties?.PruneLabel]).toEqual(["Retain", undefined]);
  });

  it("waits for the right to change the cluster before it does", () => {
    const [entry] = Object.keys(ofType(platforms, "AWS::EKS::AccessEntry"));
    const namespaces = manifests.filter((each) => text(each.Properties?.Manifest).includes("Namespace")) as unknown as {
      DependsOn: string[];
    }[];
    expect(namespaces).toHaveLength(4);
    for (const { DependsOn } of namespaces) expect(DependsOn).toContain(entry);
  });

  it("gives pods the roots of their region, and no others", () => {
    const { Manifest } = propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesResource", /prefectObjects/);
    expect(text(Manifest).match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  });

  it("is deployed again when the database becomes another, though the reference to it reads the same", () => {
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    const changed = templatesOf(withAws(productionAws, { kmsKey })).platforms;
    expect(text(masked(changed))).not.toBe(text(masked(platforms)));
    expect(text(changed)).toContain(generationOf(resolveAws(withAws(productionAws, { kmsKey })), "main"));
  });

  it("is left out without a cluster, and where somebody else installs", () => {
    expect(minimal.platforms).toBeUndefined();
    expect(templatesOf(withAws(productionAws, { cluster: { ...CLUSTER, installReleases: false } })).platforms).toBeUndefined();
  });

  it("refers to the other stacks weakly, so that a platform can be removed", () => {
    expect(text(production)).toContain("Fn::GetStackOutput");
    expect(text(production)).not.toContain("Fn::ImportValue");
  });
});
