import { describe, expect, it } from "vitest";
import { formatViolation } from "../../constructs/model/errors";
import { movingTag, splitImage } from "../../constructs/model/images";
import { emptyWith, refusal, resolveHere } from "../fixtures/specs";

const ACKNOWLEDGE = { "kubeflow-pipelines-is-for-development": "a test of images" };
const DIGEST = `@sha256:${"a".repeat(64)}`;

const warningsOf = (platforms: object): readonly string[] =>
  resolveHere(emptyWith({ platforms, acknowledge: ACKNOWLEDGE }))
    .warnings.filter(({ path }) => /\.(images|migration)\./.test(path))
    .map(formatViolation);

const image = (kind: string, container: string, name: string, more: object = {}): object => ({
  [kind]: { images: { [container]: name }, ...more },
});
const prefect = (name: string): object => image("prefect", "prefect", name);
const mlflow = (name: string, more: object = {}): object => image("mlflow", "mlflow", name, more);
const FLYTE_1 = { chartVersion: "v1.16.8" };

describe("an image of another generation than its chart's", () => {
  const PREFECT =
    "must be an image of Prefect 3, because Prefect 2 reads its database from another variable and would keep everything in its pod";
  const MLFLOW = "must be an image of MLflow 3, because MLflow 1 and 2 do not start with --uvicorn-opts, which the chart sets";
  const USE_PREFECT = "use one such as prefecthq/prefect:3.8.3-python3.11 [prefect-image-generation]";
  const USE_MLFLOW = "use one such as burakince/mlflow:3.15.1 [mlflow-image-generation]";
  const FLYTE = "must be an image of Flyte 2, because Flyte 1 reads its database from other keys";
  const USE_FLYTE = "use one such as cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.42 [flyte-image-generation]";
  const CORE = { chart: "flyte-core" };

  it.each([
    [
      prefect("prefecthq/prefect:2.20.4-python3.11"),
      `prefect.images.prefect: ${PREFECT}, got "prefecthq/prefect:2.20.4-python3.11"; ${USE_PREFECT}`,
    ],
    [prefect("prefecthq/prefect:2-latest"), `prefect.images.prefect: ${PREFECT}, got "prefecthq/prefect:2-latest"; ${USE_PREFECT}`],
    [
      prefect("registry.example:5000/hub/prefecthq/prefect:1.4.1"),
      `prefect.images.prefect: ${PREFECT}, got "registry.example:5000/hub/prefecthq/prefect:1.4.1"; ${USE_PREFECT}`,
    ],
    [mlflow("mlflow/mlflow:v1.30.0"), `mlflow.images.mlflow: ${MLFLOW}, got "mlflow/mlflow:v1.30.0"; ${USE_MLFLOW}`],
    [
      mlflow("ghcr.io/mlflow/mlflow:v3.17.2"),
      'mlflow.images.mlflow: has no PostgreSQL driver, got "ghcr.io/mlflow/mlflow:v3.17.2"; write ghcr.io/mlflow/mlflow:v3.17.2-full, which exists since 3.9.0 [mlflow-image-has-a-driver]',
    ],
    [
      mlflow("bitnami/mlflow:2.22.0-debian-12-r3"),
      `mlflow.images.mlflow: ${MLFLOW}, got "bitnami/mlflow:2.22.0-debian-12-r3"; ${USE_MLFLOW}`,
    ],
    [mlflow("burakince/mlflow:2.22.1"), `mlflow.images.mlflow: ${MLFLOW}, got "burakince/mlflow:2.22.1"; ${USE_MLFLOW}`],
    [
      image("flyte", "flyte", "cr.flyte.org/flyteorg/flyte-binary-release:v1.16.8"),
      `flyte.images.flyte: ${FLYTE}, got "cr.flyte.org/flyteorg/flyte-binary-release:v1.16.8"; ${USE_FLYTE}`,
    ],
    [
      image("flyte", "flyte", `r.example/flyte-binary-release${DIGEST}`),
      `flyte.images.flyte: ${FLYTE}, got "r.example/flyte-binary-release@sha256:aaaaaaaaaaaaaaaaaa...; ${USE_FLYTE}`,
    ],
    [
      image("flyte", "flyte", "cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.42", FLYTE_1),
      'flyte.images.flyte: must be an image of Flyte 1, because Flyte 2 reads its database from other keys, got "cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.42"; use one such as cr.flyte.org/flyteorg/flyte-binary-release:v1.16.8 [flyte-image-generation]',
    ],
    [
      image("flyte", "flyteadmin", "cr.flyte.org/flyteorg/flyteadmin-release:v2.0.0", CORE),
      'flyte.images.flyteadmin: must be an image of Flyte 1, because Flyte 2 reads its database from other keys, got "cr.flyte.org/flyteorg/flyteadmin-release:v2.0.0"; use one such as cr.flyte.org/flyteorg/flyteadmin-release:v1.16.8 [flyte-image-generation]',
    ],
    [
      image("skillflaw", "skillflaw", "langflowai/langflow:1.5.0"),
      'skillflaw.images.skillflaw: must be an image of SkillFlaw, because Langflow reads its database from another variable and would keep everything in its pod, got "langflowai/langflow:1.5.0"; use one such as ghcr.io/cwinux/skillflaw_backend by digest [skillflaw-image-generation]',
    ],
  ])("is refused: %j", (platforms, message) => {
    expect(refusal(emptyWith({ platforms }))).toBe(`invalid spec:\n  - platforms.${message}`);
  });

  it.each([
    [
      prefect("registry.example/prefect:2.20.4"),
      'platforms.prefect.images.prefect: is not tagged as an image of Prefect 3, and Prefect 2 reads its database from another variable and would keep everything in its pod, got "registry.example/prefect:2.20.4"; use one such as prefecthq/prefect:3.8.3-python3.11 [prefect-image-version]',
    ],
    [
      image("flyte", "flyte", "registry.example/flyte:2.0.1", FLYTE_1),
      'platforms.flyte.images.flyte: is not tagged as an image of Flyte 1, and Flyte 2 reads its database from other keys, got "registry.example/flyte:2.0.1"; use one such as cr.flyte.org/flyteorg/flyte-binary-release:v1.16.8 [flyte-image-version]',
    ],
  ])("is warned about where only its tag says so: %j", (platforms, message) => {
    expect(warningsOf(platforms)).toEqual([message]);
  });

  it.each([
    prefect("prefecthq/prefect:3.9.1-python3.12-conda"),
    prefect("registry.example/flows:2.20.4"),
    prefect("registry.example/prefect:20261130"),
    mlflow("ghcr.io/mlflow/mlflow:v3.17.2-full"),
    mlflow("registry.example/mlflow/mlflow:v3.17.2"),
    mlflow(`ghcr.io/mlflow/mlflow${DIGEST}`),
    mlflow(`burakince/mlflow${DIGEST}`),
    // Without its log the chart sets no such option.
    mlflow("burakince/mlflow:2.22.1", { values: { log: { enabled: false } } }),
    image("flyte", "flyte", "cr.flyte.org/flyteorg/flyte-binary-v2:v2.0.43"),
    image("flyte", "flyte", "cr.flyte.org/flyteorg/flyte-binary-release:v1.16.7", FLYTE_1),
    image("flyte", "datacatalog", "cr.flyte.org/flyteorg/datacatalog-release:v1.16.7", CORE),
  ])("is not %j", (platforms) => {
    expect(warningsOf(platforms)).toEqual([]);
  });
});

describe("a tag that moves", () => {
  it.each(
    [
      ["latest", "3", "v3", "3.8", "3-latest", "latest-python3.12", "3.8-python3.11", "3-python3.12-conda", "16-alpine"],
      ["main", "master", "nightly", "stable", "edge", "dev", "release", "LATEST", "prod"],
    ].flat(),
  )("is %s", (tag) => {
    expect(movingTag(`registry.example:5000/team/app:${tag}`)).toBe(tag);
  });

  it.each(
    [
      ["3.8.3", "v2.0.42", "3.8.3-python3.11", "2.18.0-rc.1", "1.2.3-dev", "2026.08", "20261130", "1842"],
      ["main-4f3a2b1", "4f3a2b1", "fedcbaf", "sha-4f3a2b1", "pr-123", "build-77", "nightly-20261130", "release-2026-11-30"],
    ].flat(),
  )("is not %s", (tag) => {
    expect(movingTag(`registry.example:5000/team/app:${tag}`)).toBeNull();
  });

  it("is not of a digest", () => {
    expect(movingTag(`registry.example:5000/team/app${DIGEST}`)).toBeNull();
  });

  const MOVES = "has a moving tag, so a restarted pod can run another version";
  const PIN = "name a full version or a digest";

  it.each([
    [
      prefect("prefecthq/prefect:3-latest"),
      `prefect.images.prefect: ${MOVES}, got "prefecthq/prefect:3-latest"; name a full version [prefect-image-is-pinned]`,
    ],
    [
      mlflow("ghcr.io/mlflow/mlflow:latest-full"),
      `mlflow.images.mlflow: ${MOVES}, got "ghcr.io/mlflow/mlflow:latest-full"; ${PIN} [mlflow-image-is-pinned]`,
    ],
    [
      image("flyte", "console", "ghcr.io/unionai-oss/flyteconsole-v2:latest"),
      `flyte.images.console: ${MOVES}, got "ghcr.io/unionai-oss/flyteconsole-v2:latest"; ${PIN} [flyte-image-is-pinned]`,
    ],
    [
      { skillflaw: {} },
      `skillflaw.images.skillflaw: ${MOVES}, got "ghcr.io/cwinux/skillflaw_backend:latest"; name one by digest, because its project publishes no tag but latest [skillflaw-image-is-pinned]`,
    ],
    [
      {
        "kubeflow-pipelines": {
          images: { "api-server": "ghcr.io/kubeflow/kfp-api-server:master", "cache-server": "r.example/kfp-cache-server:main" },
        },
      },
      `kubeflow-pipelines.images.cache-server: ${MOVES}, got "r.example/kfp-cache-server:main"; name one by digest [kubeflow-pipelines-image-is-pinned]`,
    ],
    [
      { application: { migration: { image: "registry.example/app:stable", command: ["migrate"] } } },
      `application.migration.image: ${MOVES}, got "registry.example/app:stable"; ${PIN} [application-migration-image-is-pinned]`,
    ],
  ])("is warned about: %j", (platforms, message) => {
    expect(warningsOf(platforms)).toEqual([`platforms.${message}`]);
  });
});

describe("an image by tag and digest", () => {
  it("is of the version that its tag names, and does not move", () => {
    const both = `registry.example:5000/burakince/mlflow:2.22.1${DIGEST}`;
    expect(splitImage(both)).toEqual({ repository: "registry.example:5000/burakince/mlflow", tag: "2.22.1", digest: DIGEST.slice(1) });
    expect(splitImage(`registry.example:5000/app${DIGEST}`)).toEqual({
      repository: "registry.example:5000/app",
      tag: "",
      digest: DIGEST.slice(1),
    });
    expect(movingTag(`registry.example/app:latest${DIGEST}`)).toBeNull();
    expect(refusal(emptyWith({ platforms: mlflow(both) }))).toContain("must be an image of MLflow 3");
  });
});

describe("an image", () => {
  const FORM =
    "must be an image in lower case with a tag of at most 128 characters, a sha256 digest or both, such as registry.example/name:1.2.3";

  it.each([
    "registry.example/app",
    "https://registry.example/app:1.2.3",
    "registry.example/App:1.2.3",
    "registry.example/my app:1.2.3",
    "registry.example//app:1.2.3",
    "registry.example/app-:1.2.3",
    "registry.example/../app:1.2.3",
    "registry.example/app:-1",
    "registry.example/app@sha256:abc",
    `registry.example/app@sha256:${"A".repeat(64)}`,
    `registry.example/app:1.2.3@sha256:abc`,
    `registry.example/app${DIGEST}:1.2.3`,
    `registry.example/app@sha512:${"a".repeat(64)}`,
    `a:${"1".repeat(129)}`,
  ])("may not be written %s", (name) => {
    const got = name.length > 60 ? `"${name.slice(0, 56)}...` : `"${name}"`;
    expect(refusal(emptyWith({ platforms: mlflow(name) }))).toBe(`invalid spec:\n  - platforms.mlflow.images.mlflow: ${FORM}, got ${got}`);
  });

  it.each([
    "app:1.2.3",
    "localhost:5000/app:1.2.3",
    "registry.example:5000/a/b__c/d--e.f:v1.2.3_4",
    `registry.example:5000/app${DIGEST}`,
    `registry.example:5000/app:1.2.3${DIGEST}`,
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ml/mlflow-server:2026.11.30-1",
    "europe-west4-docker.pkg.dev/my-project/ml/server:20261130-4f3a2b1",
    `a:${"1".repeat(128)}`,
  ])("may be written %s", (name) => {
    expect(warningsOf(mlflow(name))).toEqual([]);
  });
});
