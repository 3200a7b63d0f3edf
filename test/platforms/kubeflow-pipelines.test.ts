import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import type { Kustomization } from "../../constructs/model/platform";
import { readRelease } from "../../infra/charts/renderings";
import { toKustomization, toPlatformFiles } from "../../infra/output";
import { DIRECT, refusal, wire } from "../contract/case";
import { kubeflowPipelines as example } from "../fixtures/cases/kubeflow-pipelines";

const release = wire(example, DIRECT).wiring.release as Kustomization;
const CHART = { chart: "platform-agnostic-postgresql", version: "f3cc4998a14ece1f0013ff7e32dabd6d846f678a" };

const IMAGES = example.settings.images as JsonObject;

/** The variables that the overlay expects in its base. */
const asserted = ({ replacements }: Kustomization) =>
  replacements
    .flatMap(({ targets }) => targets as { select: { name: string }; fieldPaths: string[] }[])
    .flatMap(({ select, fieldPaths }) =>
      fieldPaths.map((path) => {
        const [, container = "", name = ""] = /\[name=\^(.+?)\$\]\.env\.\[name=\^(.+?)\$\]/.exec(path) ?? [];
        return { deployment: select.name, container, name };
      }),
    );

describe("the overlay of Kubeflow Pipelines", () => {
  it("leaves nothing of upstream's own server and Secrets", () => {
    const { workloads, secrets } = readRelease(example.name, CHART, release);
    expect(workloads.map(({ name }) => name)).toContain("ml-pipeline");
    expect(workloads.map(({ name }) => name).filter((name) => /postgres|mysql/.test(name))).toEqual([]);
    expect(secrets).toEqual(["mlpipeline-minio-artifact"]);
  });

  it("does not fit the manifests before, in which PostgreSQL does not work", () => {
    expect(refusal(example, { ...example.settings, chartVersion: "2.17.0" })).toBe(
      'invalid spec:\n  - platforms.kubeflow-pipelines.chartVersion: must be 2.18.0 or newer, or a commit (40 hex digits) that includes pull request 12379, because earlier releases do not work with PostgreSQL, got "2.17.0"; use f3cc4998a14ece1f0013ff7e32dabd6d846f678a, the newest verified [kubeflow-pipelines-chart-supported]',
    );
  });

  it("replaces only what the base has", () => {
    const { workloads } = readRelease(example.name, CHART, release);
    const variablesOf = (deployment: string, container: string) =>
      workloads.find(({ name }) => name === deployment)?.containers.find(({ name }) => name === container)?.env ?? [];
    expect(asserted(release)).toHaveLength(10);
    for (const { deployment, container, name } of asserted(release))
      expect(variablesOf(deployment, container).map((variable) => variable.name)).toContain(name);
  });

  it.each([
    "ghcr.io/kubeflow/kfp-api-server:2.17.0",
    "registry.example:5000/mirror/kfp-api-server:2.9.0-rc.1",
    "kfp-api-server:2.17.3",
    "gcr.io/ml-pipeline/api-server:1.8.5",
    "registry.example/ml-pipeline/api-server:2.0.5",
    `kfp-api-server:2.5.0@sha256:${"a".repeat(64)}`,
  ])("refuses %s, whose release has no PostgreSQL", (image) => {
    const got = image.length > 60 ? `"${image.slice(0, 56)}...` : `"${image}"`;
    expect(refusal(example, { images: { ...IMAGES, "api-server": image } })).toBe(
      `invalid spec:\n  - platforms.kubeflow-pipelines.images.api-server: is tagged like a release without PostgreSQL, got ${got}; name one that was built from master, with another tag or by digest [kubeflow-pipelines-images-are-not-older]`,
    );
  });

  it.each([
    "ghcr.io/kubeflow/kfp-api-server:2.18.0",
    "registry.example/kfp-api-server:2.17.0-postgres.1",
    "registry.example/kfp-api-server:master",
    "registry.example/my-api-server:1.0.0",
  ])("takes %s", (image) => {
    expect(refusal(example, { images: { ...IMAGES, "api-server": image } })).not.toContain("without PostgreSQL");
  });

  it("is installed in upstream's order", () => {
    const wired = wire(example, DIRECT);
    const from = { objects: [], secretFile: "secret.yaml", caution: null };
    const readme = toPlatformFiles("kubeflow-pipelines", wired, from).find(({ path }) => path.endsWith("README.txt"));
    const commands = readme?.content.split("\n").filter((line) => line.startsWith("  kubectl"));
    const ref = "?ref=f3cc4998a14ece1f0013ff7e32dabd6d846f678a";
    expect(commands).toEqual([
      `  kubectl apply -k "github.com/kubeflow/pipelines/manifests/kustomize/cluster-scoped-resources${ref}"`,
      "  kubectl wait --for condition=established --timeout=60s crd/applications.app.k8s.io",
      "  kubectl apply -f manifests.yaml",
      "  kubectl apply -f secret.yaml",
      "  kubectl apply -k .",
      ...["ml-pipeline", "cache-server", "metadata-grpc-deployment"].map(
        (name) => `  kubectl rollout status deployment ${name} --namespace kubeflow --timeout 15m`,
      ),
      "  kubectl rollout restart deployment ml-pipeline cache-server metadata-grpc-deployment --namespace kubeflow",
    ]);
  });

  it("takes images by tag and by digest", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const settings = { images: { "api-server": "registry.example/a:1", "cache-server": `registry.example/c@${digest}` } };
    const { images } = toKustomization(wire({ ...example, settings }, DIRECT).wiring.release as Kustomization, "kubeflow");
    expect(images).toEqual([
      { name: "ghcr.io/kubeflow/kfp-api-server", newName: "registry.example/a", newTag: "1" },
      { name: "ghcr.io/kubeflow/kfp-cache-server", newName: "registry.example/c", digest },
    ]);
  });

  it("names one reference in everything that is applied", () => {
    const acknowledge = { ...example.acknowledge, "kubeflow-pipelines-chart-version": "a test of the overlay" };
    const later = { ...example, acknowledge, settings: { ...example.settings, chartVersion: "2.18.0" } };
    const { base, before } = wire(later, DIRECT).wiring.release as Kustomization;
    expect([...before.map((each) => each.base), base].map((each) => each.split("?")[1])).toEqual(["ref=2.18.0", "ref=2.18.0"]);
  });
});
