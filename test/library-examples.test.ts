import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { wirePlatform } from "../constructs/kubernetes/wire-platform";
import type { JsonObject } from "../constructs/model/json";
import { platforms } from "../constructs/platforms/registry";
import type { Template } from "../infra/aws/templates";
import { temporary } from "./fixtures/cli";

const ROOT = resolve(__dirname, "..");
const EXAMPLES = join(ROOT, "examples");
const textOf = (...path: readonly string[]): string => readFileSync(join(EXAMPLES, ...path), "utf8");
const linesOf = (...path: readonly string[]): number =>
  textOf(...path)
    .trim()
    .split("\n").length;

/** Runs an example as a person does; the package's name is an alias in this repository. @returns what it prints. */
const run = (file: readonly string[], parameters: readonly string[] = [], variables: NodeJS.ProcessEnv = {}): string =>
  execFileSync(process.execPath, ["--require", "tsx/cjs", join(EXAMPLES, ...file), ...parameters], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, ...variables },
  });

/** A certificate authority in a file. */
function authority(): { readonly folder: string; readonly ca: string } {
  const folder = temporary();
  const ca = join(folder, "ca.pem");
  writeFileSync(ca, "PEM");
  return { folder, ca };
}

interface Stacked {
  readonly type: string;
  readonly displayName: string;
  readonly properties: { readonly stackName?: string };
}

describe("examples of the library", () => {
  it("wire-existing prints values for MLflow's chart", () => {
    expect(linesOf("wire-existing", "mlflow.ts")).toBeLessThanOrEqual(30);
    expect(JSON.parse(run(["wire-existing", "mlflow.ts"], [authority().ca]))).toMatchObject({
      replicaCount: 2,
      backendStore: { postgres: { host: "postgres.example.internal" }, existingDatabaseSecret: { name: "mlflow-login" } },
    });
  });

  it("aws-app is at most 15 lines, and makes a stack with a database, its login and their rotation", () => {
    expect(linesOf("aws-app", "app.ts")).toBeLessThanOrEqual(15);
    const { folder } = authority();
    run(["aws-app", "app.ts"], [], { CDK_OUTDIR: folder });
    const template = JSON.parse(readFileSync(join(folder, "Mlflow.template.json"), "utf8")) as Template;
    const types = Object.values(template.Resources).map(({ Type }) => Type);
    for (const type of ["AWS::RDS::DBInstance", "Custom::PostgresProvisioning"])
      expect(types.filter((each) => each === type)).toHaveLength(1);
    expect(types.filter((each) => each === "AWS::SecretsManager::RotationSchedule")).toHaveLength(2);
  });

  it("aws-app has a whole environment, too, in three stacks beside one's own", () => {
    expect(linesOf("aws-app", "environment.ts")).toBeLessThanOrEqual(30);
    const { folder } = authority();
    run(["aws-app", "environment.ts"], [], { CDK_OUTDIR: folder });
    const { artifacts } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
      readonly artifacts: Readonly<Record<string, Stacked>>;
    };
    const stacks = Object.values(artifacts).filter(({ type }) => type === "aws:cloudformation:stack");
    expect(stacks.map(({ properties, displayName }) => properties.stackName ?? displayName).sort()).toEqual([
      "Own",
      "postgres-team-access",
      "postgres-team-database",
      "postgres-team-guard",
    ]);
  });

  describe("gitops", () => {
    const { folder, ca } = authority();
    const at = (...path: readonly string[]) => join(folder, "rendered", ...path);
    const { chart, values } = wirePlatform({ platform: platforms.mlflow, host: "postgres.example.internal", ca: "PEM" });
    beforeAll(() => void run(["gitops", "render.ts"], [ca, at()]));

    it("writes values and objects, and no password", () => {
      expect(linesOf("gitops", "render.ts")).toBeLessThanOrEqual(30);
      expect(parse(readFileSync(at("mlflow", "values.yaml"), "utf8"))).toEqual(values);
      const objects = parseAllDocuments(readFileSync(at("prefect", "manifests", "objects.yaml"), "utf8")).map(
        (each) => each.toJS() as JsonObject,
      );
      expect(objects.map(({ kind }) => kind)).toEqual(["Namespace", "ConfigMap", "ExternalSecret"]);
    });

    it("has an Application of Argo CD for the same chart and files", () => {
      const { spec } = parse(textOf("gitops", "argo-cd.yaml")) as {
        readonly spec: { readonly sources: readonly [JsonObject, JsonObject] };
      };
      const [release, files] = spec.sources;
      expect([release.chart, release.repoURL, release.targetRevision]).toEqual([chart?.chart, chart?.repository, chart?.version]);
      const named = (release.helm as { readonly valueFiles: readonly string[] }).valueFiles.map((file) =>
        file.replace(`$${files.ref}/`, ""),
      );
      for (const path of [...named, String(files.path)]) expect(existsSync(join(folder, path)), path).toBe(true);
    });

    it("has a release of Flux for the same chart and files", () => {
      cpSync(join(EXAMPLES, "gitops", "flux.yaml"), at("mlflow", "release.yaml"));
      const [source, release] = parseAllDocuments(textOf("gitops", "flux.yaml")).map(
        (each) => each.toJS() as { readonly spec: JsonObject },
      );
      expect(source?.spec.url).toBe(chart?.repository);
      expect(release?.spec).toMatchObject({ chart: { spec: { chart: chart?.chart, version: chart?.version } } });
      const kustomization = parse(textOf("gitops", "flux-kustomization.yaml")) as {
        readonly resources: readonly string[];
        readonly configMapGenerator: readonly [{ readonly name: string; readonly files: readonly string[] }];
      };
      const [generator] = kustomization.configMapGenerator;
      expect(release?.spec.valuesFrom).toEqual([{ kind: "ConfigMap", name: generator.name }]);
      for (const file of [...kustomization.resources, ...generator.files]) expect(existsSync(at("mlflow", file)), file).toBe(true);
    });
  });
});
