import { violation } from "../../model/errors";
import type { PlatformRule } from "../../model/platform";
import type { KubeflowPipelinesFields } from "./settings";

const MANIFESTS = "https://github.com/kubeflow/pipelines/tree/master/manifests/kustomize/env/platform-agnostic-postgresql";

/** Images that need PostgreSQL support, which the base's own images lack. */
export const OWN_IMAGES = ["api-server", "cache-server"];
/** Upstream's releases up to 2.17, under the names in both of its registries, in any registry that mirrors them. */
const TOO_OLD = /(^|\/)(kfp-|ml-pipeline\/)(api|cache)-server:v?([01]\.\d+|2\.(\d|1[0-7]))(\.\d+)?(-(alpha|beta|rc)\.?\d+)?(@|$)/;
/** Whether a version is older than 3.0, or a commit. */
export const isBefore3 = (version: string): boolean => !/^([3-9]|[1-9]\d+)\./.test(version);

export const kubeflowPipelinesRules: readonly PlatformRule<KubeflowPipelinesFields>[] = [
  {
    id: "kubeflow-pipelines-is-for-development",
    why: "Upstream supports PostgreSQL only for development and evaluation, and ML Metadata can write a type twice under concurrent runs.",
    source: "https://www.kubeflow.org/docs/components/pipelines/operator-guides/configure-database/",
    date: "2026-11-21",
    severity: "acknowledge",
    check: ({ chartVersion }, path) =>
      isBefore3(chartVersion)
        ? [
            violation(
              `${path}.chartVersion`,
              "supports PostgreSQL only for development and evaluation until 3.0",
              chartVersion,
              "keep it out of production",
            ),
          ]
        : [],
    passing: { chartVersion: "3.0.0" },
    failing: { chartVersion: "2.18.0" },
  },
  {
    id: "kubeflow-pipelines-images-have-postgresql",
    why: "The base's own images support only MySQL, so the API server and cache server exit at startup.",
    source: MANIFESTS,
    date: "2026-11-21",
    severity: "error",
    check: ({ chartVersion, images }, path) =>
      OWN_IMAGES.filter((container) => isBefore3(chartVersion) && images[container] === undefined).map((container) => ({
        path: `${path}.images.${container}`,
        rule: "is required before 3.0, because the base names an image without PostgreSQL",
        got: null,
        remedy: `name one that was built from master, such as ghcr.io/kubeflow/kfp-${container} by digest`,
      })),
    passing: { images: { "api-server": "registry.example/kfp-api-server:1", "cache-server": "registry.example/kfp-cache-server:1" } },
    failing: { images: { "api-server": "registry.example/kfp-api-server:1" } },
  },
  {
    id: "kubeflow-pipelines-images-are-not-older",
    why: "Releases up to 2.17 have no PostgreSQL driver, so the API server and cache server exit at startup.",
    source: MANIFESTS,
    date: "2026-11-21",
    severity: "error",
    check: ({ images }, path) =>
      OWN_IMAGES.filter((container) => TOO_OLD.test(images[container] ?? "")).map((container) =>
        violation(
          `${path}.images.${container}`,
          "is tagged like a release without PostgreSQL",
          images[container],
          "name one that was built from master, with another tag or by digest",
        ),
      ),
    passing: { images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:2.18.0" } },
    failing: { images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:2.17.0" } },
  },
  {
    id: "kubeflow-pipelines-replicas-migrate-at-once",
    why: "Its servers create their tables at startup without a lock, so two at a time fail or create only some of them.",
    source: MANIFESTS,
    date: "2026-11-21",
    severity: "error",
    check: ({ replicas }, path) =>
      replicas > 1 ? [violation(`${path}.replicas`, "must be 1, because its servers migrate at startup without a lock", replicas)] : [],
    passing: { replicas: 1 },
    failing: { replicas: 2 },
  },
  {
    id: "kubeflow-pipelines-service-accounts-are-fixed",
    why: "Upstream's manifests name the accounts, so grants to another account never reach the pods.",
    source: MANIFESTS,
    date: "2026-11-21",
    severity: "error",
    check: ({ serviceAccount }, path) =>
      serviceAccount === null
        ? []
        : [
            violation(
              `${path}.serviceAccount`,
              "must be null, because its pods run as ml-pipeline, kubeflow-pipelines-cache and metadata-grpc-server",
              serviceAccount,
              "remove it; annotate their service accounts with a patch",
            ),
          ],
    passing: {},
    failing: { serviceAccount: "kubeflow" },
  },
];
