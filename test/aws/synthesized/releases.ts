import { describe, expect, it } from "vitest";
import { generationOf } from "../../../constructs/aws/stacks/aws-environment";
import { CLUSTER, minimalAws, productionAws, resolveAws, withAws } from "../../fixtures/aws";
import { masked, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const production = templatesOf(productionAws);
/** Platforms with a chart. */
const RELEASES = Object.keys(productionAws.platforms).filter((name) => name !== "kubeflow-pipelines");
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
      ["platform-postgres-external-secrets", "2.9.0", "platform-postgres-external-secrets"],
      ["platform-postgres-reloader", "2.2.16", "platform-postgres-reloader"],
      ["flyte", "v2.0.42", "flyte"],
      ["mlflow", "1.11.5", "mlflow"],
      ["prefect", "2026.8.18172642", "prefect"],
      // Its own chart, an asset.
      ["skillflaw", undefined, "skillflaw"],
    ]);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-HelmChart", /skillflaw/i).ChartAssetURL).toBeDefined();
  });

  it("installs operators in the versions that the environment names", () => {
    const cluster = {
      ...CLUSTER,
      installExternalSecrets: true,
      externalSecretsVersion: "2.14.0",
      installReloader: true,
      reloaderVersion: "2.2.17",
    };
    const { platforms: other } = templatesOf(withAws(productionAws, { cluster }));
    const versions = Object.values(ofType(other, "Custom::AWSCDK-EKS-HelmChart")).map(({ Properties: its = {} }) => its.Version);
    expect(versions.slice(0, 2)).toEqual(["2.14.0", "2.2.17"]);
  });

  it("starts a release only when its Secret is there", () => {
    const chart = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).find(([id]) => id.includes("prefect")) as unknown as [
      string,
      { DependsOn: string[] },
    ];
    const [ready] = Object.keys(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue")).filter((id) => id.includes("prefect"));
    expect(chart[1].DependsOn).toContain(ready);
    expect(propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue", /prefect/)).toMatchObject({
      ObjectType: "secret",
      ObjectName: "prefect-db",
      ObjectNamespace: "prefect",
      JsonPath: expect.stringMatching(/^\.metadata\.labels\.platform-postgres-[0-9a-f]{16}$/),
    });
  });

  it("never deletes a namespace, which may contain other objects", () => {
    const namespaces = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).filter(([id]) =>
      id.includes("Namespace"),
    );
    expect(namespaces).toHaveLength(RELEASES.length);
    for (const [, { DeletionPolicy, Properties }] of namespaces)
      expect([DeletionPolicy, Properties?.PruneLabel]).toEqual(["Retain", undefined]);
  });

  it("keeps operators, and what others made with them: on removal, on a failed first deployment, and for another environment", () => {
    const operators = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")).filter(({ Properties: its }) =>
      String(its?.Release).startsWith("platform-postgres-"),
    );
    // Not RetainExceptOnCreate: what a deployment has only adopted, its rollback would uninstall.
    expect(operators.map(({ DeletionPolicy, UpdateReplacePolicy }) => [DeletionPolicy, UpdateReplacePolicy])).toEqual([
      ["Retain", "Retain"],
      ["Retain", "Retain"],
    ]);
    expect(JSON.parse(String(operators[0]?.Properties?.Values))).toMatchObject({
      crds: { annotations: { "helm.sh/resource-policy": "keep" } },
    });
  });

  it("writes whose a release is before anything of it, and never over another's", () => {
    const [owner, { Properties }] = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).find(([id]) =>
      /^ReleasesprefectOwner/.test(id),
    ) as unknown as [string, { Properties: { Manifest: string; Overwrite: boolean } }];
    expect([Properties.Overwrite, JSON.parse(Properties.Manifest)[0].data]).toEqual([false, { environment: "production" }]);
    const objects = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesResource")).find(([id]) =>
      /^ReleasesprefectObjects/.test(id),
    ) as unknown as [string, { DependsOn: string[] }];
    expect(objects[1].DependsOn).toContain(owner);
  });

  it("works from within the cluster's own security group", () => {
    const { VpcConfig } = propertiesOf(platforms, "AWS::Lambda::Function", /^ReleasesKubectlHandler/);
    expect(VpcConfig).toMatchObject({ SecurityGroupIds: ["sg-0a1b2c3d4e5f60714"] });
  });

  it("waits for the Secret that its ExternalSecret makes now, not for one before: another secret, database or key", () => {
    const waitsOf = (spec: typeof productionAws) =>
      propertiesOf(templatesOf(spec).platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue", /prefect/).JsonPath;
    const mark = String(waitsOf(productionAws)).replace(".metadata.labels.", "");
    const { Manifest } = propertiesOf(platforms, "Custom::AWSCDK-EKS-KubernetesResource", /prefectObjects/);
    // External Secrets writes this label with the Secret's content.
    expect(text(Manifest)).toContain(`"template\\":{\\"engineVersion`);
    expect(text(Manifest)).toContain(`\\"${mark}\\":\\"true\\"`);
    const kmsKey = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d";
    expect(waitsOf(withAws(productionAws, { kmsKey }))).not.toBe(waitsOf(productionAws));
    expect(waitsOf(withAws(productionAws, { rotationDays: 5 }))).toBe(waitsOf(productionAws));
  });

  it("waits for the right to change the cluster before it does: a new access entry is refused for minutes", () => {
    const [entry] = Object.keys(ofType(platforms, "AWS::EKS::AccessEntry"));
    const [ready, asked] = Object.entries(ofType(platforms, "Custom::AWSCDK-EKS-KubernetesObjectValue")).find(([id]) =>
      /^ReleasesReady/.test(id),
    ) as unknown as [string, { DependsOn: string[]; Properties: object }];
    expect(asked.DependsOn).toContain(entry);
    expect(asked.Properties).toMatchObject({ ObjectType: "namespace", ObjectName: "kube-system", TimeoutSeconds: 600 });
    const charts = Object.values(ofType(platforms, "Custom::AWSCDK-EKS-HelmChart")) as unknown as { DependsOn: string[] }[];
    // Operators first, and platforms after their Secrets.
    for (const { DependsOn } of charts.slice(0, 2)) expect(DependsOn).toContain(ready);
    const namespaces = manifests.filter((each) => text(each.Properties?.Manifest).includes("Namespace")) as unknown as {
      DependsOn: string[];
    }[];
    expect(namespaces).toHaveLength(RELEASES.length);
    for (const { DependsOn } of namespaces) expect(DependsOn).toContain(ready);
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

  it("is left out without a cluster, or without installReleases", () => {
    expect(minimal.platforms).toBeUndefined();
    expect(templatesOf(withAws(productionAws, { cluster: { ...CLUSTER, installReleases: false } })).platforms).toBeUndefined();
  });

  it("refers to the other stacks weakly, so that a platform can be removed", () => {
    const { guard: _locks, ...others } = production;
    expect(text(others)).toContain("Fn::GetStackOutput");
    expect(text(others)).not.toContain("Fn::ImportValue");
  });
});
