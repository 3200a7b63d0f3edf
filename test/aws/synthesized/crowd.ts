import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { afterAll, describe, expect, it } from "vitest";
import { PACKAGE_ROOT } from "../../../constructs/package/root";
import { readOutputs } from "../../../infra/aws/outputs";
import { planAws } from "../../../infra/aws/plan";
import { createStacks } from "../../../infra/aws/stacks";
import { synthesize } from "../../../infra/aws/synthesize";
import { innerOf, type Template } from "../../../infra/aws/templates";
import type { NamedSpec } from "../../../infra/spec";
import { crowd, productionAws, resolveAws, withNamed } from "../../fixtures/aws";
import { temporary } from "../../fixtures/cli";
import { toLine } from "../../fixtures/plan";
import { artifactsOf, ofType, propertiesOf, text } from "../../fixtures/templates";
import { Cli } from "../cloudformation/cli";
import { ClusterWorld } from "../cloudformation/cluster";
import { CloudFormation } from "../cloudformation/double";
import { handlersOf } from "../cloudformation/handlers";
import { RdsWorld } from "../cloudformation/rds";

const spec = { ...productionAws, name: "prod", instances: { main: productionAws.instances.main ?? {}, spare: {} } };
const onMain = {
  ...spec,
  platforms: Object.fromEntries(Object.entries(spec.platforms).map(([name, each]) => [name, { ...each, instance: "main" }])),
};
const RESEARCH = { ...productionAws.platforms.mlflow, platform: "mlflow", instance: "main" };
const research = withNamed(onMain, { "mlflow-research": RESEARCH });
const two = withNamed(onMain, { "mlflow-research": RESEARCH, "prefect-eu": { platform: "prefect", instance: "spare" } });
const synthesizeSpec = (of: NamedSpec) => synthesize(resolveAws(of));
const ACCESS = "postgres-prod-access";
const PLATFORMS = "postgres-prod-platforms";

describe("a platform whose name differs from its kind", () => {
  const before = synthesizeSpec(onMain);
  const after = synthesizeSpec(research);

  it("changes no resource that is there, and nothing of the database", () => {
    for (const [stack, template] of Object.entries(before)) {
      const kept = Object.fromEntries(Object.entries(after[stack]?.Resources ?? {}).filter(([id]) => template.Resources[id] !== undefined));
      expect([stack, kept]).toEqual([stack, template.Resources]);
    }
    expect(text(after["postgres-prod-database"])).toBe(text(before["postgres-prod-database"]));
  });

  it("has its resources in separate nested stacks, so that neither another platform nor its end changes them", () => {
    const inner = Object.keys(after).filter((stack) => innerOf(stack) !== null);
    expect(inner).toEqual([`${ACCESS}--main`, `${PLATFORMS}--mlflow-research`]);
    const more = synthesizeSpec(two);
    for (const stack of inner) expect(text(more[stack])).toBe(text(after[stack]));
    expect(Object.keys(more).filter((stack) => innerOf(stack) !== null)).toEqual([
      `${ACCESS}--main`,
      `${ACCESS}--spare`,
      `${PLATFORMS}--mlflow-research`,
      `${PLATFORMS}--prefect-eu`,
    ]);
  });

  it("is provisioned and rotated with rights on the secrets of its instance, by their tag", () => {
    const access = after[`${ACCESS}--main`] as Template;
    const secret = propertiesOf(access, "AWS::SecretsManager::Secret");
    expect(secret.Tags).toContainEqual({ Key: "platform-postgres/tenant", Value: "prod--main--mlflow-research" });
    for (const id of [/^provisioningFunction/, /^rotationFunction/]) {
      const { Statement } = propertiesOf(access, "AWS::IAM::Policy", id).PolicyDocument as { Statement: readonly object[] };
      const onSecrets = Statement.filter((each) => text(each).includes("PutSecretValue"));
      expect(onSecrets).toEqual([
        {
          Effect: "Allow",
          Action: [
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
          ],
          Resource: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:*",
          Condition: { StringLike: { "secretsmanager:ResourceTag/platform-postgres/tenant": "prod--main--*" } },
        },
      ]);
    }
  });

  it("is rotated where it is called like the master's schedule, too", () => {
    const access = synthesizeSpec(withNamed(onMain, { master: RESEARCH }));
    expect(Object.keys(ofType(access[`${ACCESS}--main`] as Template, "AWS::SecretsManager::RotationSchedule"))).toHaveLength(1);
    expect(Object.keys(ofType(access[ACCESS] as Template, "AWS::SecretsManager::RotationSchedule"))).toHaveLength(7);
  });

  it("meets no other, whatever names are made of the same words", () => {
    const parts = [
      ["a", "b-c", "d"],
      ["a-b", "c", "d"],
      ["a", "b", "c-d"],
      ["mlflow-b", "c", "mlflow"],
    ] as const;
    for (const [name, namespace, release] of parts) {
      const others = { "a-b-c": { platform: "prefect", instance: "spare", namespace: "d" } };
      const named = { ...others, [name]: { ...RESEARCH, namespace, release } };
      expect(Object.keys(synthesizeSpec(withNamed(onMain, named)))).toContain(`${PLATFORMS}--${name}`);
    }
  });

  it("installs another release where its namespace or its release is another", () => {
    const ids = (namespace: string, release: string) =>
      Object.keys(
        synthesizeSpec(withNamed(onMain, { "mlflow-research": { ...RESEARCH, namespace, release } }))[`${PLATFORMS}--mlflow-research`]
          ?.Resources ?? {},
      );
    expect(ids("a", "b-c").filter((id) => ids("a-b", "c").includes(id))).toEqual([]);
  });
});

describe("an environment with further platforms", () => {
  const cluster = new ClusterWorld();
  const cloud = new CloudFormation(handlersOf(new RdsWorld(), cluster));
  const cli = new Cli(cloud);
  const releases = () => [...cluster.releases.keys()].filter((release) => !release.startsWith("platform-postgres-"));
  const common = ["flyte/flyte", "mlflow/mlflow", "prefect/prefect", "skillflaw/skillflaw"];

  it("gets a platform, and keeps what it has when the release of another fails", () => {
    expect(cli.deploy(artifactsOf(onMain))).toBe("ok");
    expect(releases()).toEqual(common);
    expect(cli.deploy(artifactsOf(research))).toBe("ok");
    expect(releases()).toEqual([...common, "mlflow-research/mlflow-research"]);
    cloud.faults.set("prefecteuprefecteuChart", "helm: timed out waiting for the condition");
    expect(cli.deploy(artifactsOf(two))).toMatch(/^postgres-prod-platforms is in UPDATE_ROLLBACK_COMPLETE/);
    cloud.faults.clear();
    // Helm leaves what has failed, and the next deployment goes on with it.
    expect(releases()).toEqual(expect.arrayContaining([...common, "mlflow-research/mlflow-research"]));
    expect(cli.deploy(artifactsOf(two))).toBe("ok");
    expect(releases()).toEqual([...common, "mlflow-research/mlflow-research", "prefect-eu/prefect-eu"]);
  });

  it("reads secret and role of each platform where the release's parameter says, and prints the same", () => {
    const outputs = Object.fromEntries([...cloud.stacks].map(([name, stack]) => [name, stack.outputs]));
    const directory = temporary();
    const file = join(directory, "outputs.json");
    writeFileSync(file, JSON.stringify(outputs));
    const { platforms, rotation } = readOutputs("prod", file);
    rmSync(directory, { recursive: true, force: true });
    expect(Object.keys(platforms).sort()).toEqual([...Object.keys(productionAws.platforms), "mlflow-research", "prefect-eu"].sort());
    const functionIn = (stack: RegExp, name: string) => {
      const [, found] = [...cloud.stacks].find(([its]) => stack.test(its)) ?? [];
      return [...(found?.resources.values() ?? [])].find(({ type, id }) => type === "AWS::Lambda::Function" && id.includes(name))?.id;
    };
    expect(rotation?.main).toEqual({
      platforms: `${functionIn(/-access$/, "mainrotationFunction")}.Arn`,
      furtherPlatforms: `${functionIn(/-access-main/, "rotationFunction")}.Arn`,
    });
    const { secretArn, readerRoleArn } = platforms["mlflow-research"] ?? { secretArn: "", readerRoleArn: "" };
    const [, release] = [...cloud.stacks].find(([name]) => /platforms-.*mlflowresearch/.test(name)) ?? [];
    const [objects] = [...(release?.resources.values() ?? [])].filter(({ properties }) =>
      String(properties.Manifest).includes("ExternalSecret"),
    );
    for (const arn of [secretArn, String(readerRoleArn)])
      expect([arn.length > 10, String(objects?.properties.Manifest).includes(arn)]).toEqual([true, true]);
  });

  it("moves a platform to another instance without installing it anew", () => {
    const moved = withNamed(onMain, {
      "mlflow-research": { ...RESEARCH, instance: "spare" },
      "prefect-eu": { platform: "prefect", instance: "spare" },
    });
    const installed = [...cluster.releases].map(([name]) => name);
    expect(cli.deploy(artifactsOf(moved))).toBe("ok");
    expect([...cluster.releases].map(([name]) => name)).toEqual(installed);
    expect(cli.deploy(artifactsOf(two))).toBe("ok");
  });

  it("takes a platform away with its functions and release, and keeps its secret", () => {
    const kept = cloud.orphans.size;
    expect(cli.deploy(artifactsOf(onMain))).toBe("ok");
    expect(releases()).toEqual(common);
    expect([...cloud.stacks.keys()].filter((name) => /inner/.test(name))).toEqual([]);
    const left = [...cloud.orphans.values()].slice(kept).map(({ type }) => type);
    expect(left.filter((type) => type === "AWS::SecretsManager::Secret")).toHaveLength(2);
  });
});

describe("a plan of it", () => {
  const directory = temporary();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const { context } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "cdk.json"), "utf8")) as { readonly context: object };
  const app = new App({ outdir: directory, analyticsReporting: false, context: { ...context, "aws:cdk:disable-asset-staging": true } });
  createStacks(app, resolveAws(two));
  app.synth();

  it("counts what is in nested stacks with their parents", () => {
    const { resources } = planAws(resolveAws(two), null);
    expect([...new Set(resources.map(({ stack }) => stack))]).toEqual(
      ["database", "access", "platforms", "guard"].map((part) => `postgres-prod-${part}`),
    );
    expect(resources.find(({ stack, type }) => stack === ACCESS && type === "AWS::SecretsManager::Secret")?.count).toBe(7);
  });

  it("sees in a folder of templates what a platform would take along", () => {
    expect(planAws(resolveAws(two), directory)).toMatchObject({
      changes: [],
      details: [],
      notes: [],
      compared: [ACCESS, "postgres-prod-database", "postgres-prod-guard", PLATFORMS],
    });
    expect(planAws(resolveAws(research), directory).changes.map(toLine)).toEqual([
      "lost: platforms.prefect-eu; its secret would stay, but would no longer be managed; keep it in the spec, or remove it as docs/how-to/remove-a-platform.md describes",
      "outage: release prefect-eu/prefect-eu; would be uninstalled, and its pods stopped; its databases and its secret stay",
    ]);
  });

  it("says what is missing beside a single template", () => {
    const file = join(mkdtempSync(join(directory, "alone-")), `${PLATFORMS}.template.json`);
    writeFileSync(file, readFileSync(join(directory, `${PLATFORMS}.template.json`)));
    expect(() => planAws(resolveAws(two), file)).toThrow(
      `the templates of nested stacks of ${file} are missing in its folder; give a folder from cdk synth`,
    );
  });
});

describe("100 platforms on 20 instances", () => {
  const templates = synthesizeSpec(crowd(100, 20));

  it("fit, with room", () => {
    const most = (of: (template: Template) => number) => Math.max(...Object.values(templates).map(of));
    expect(Object.keys(templates)).toHaveLength(4 + 20 + 100);
    expect(most(({ Resources }) => Object.keys(Resources).length)).toBeLessThan(450);
    expect(most((template) => text(template).length)).toBeLessThan(400_000);
    expect(most(({ Outputs = {} }) => Object.keys(Outputs).length)).toBeLessThan(150);
  });

  it("grow in each nested stack with its own platforms only", () => {
    const fewer = synthesizeSpec(crowd(20, 20));
    const lengthOf = (all: typeof templates, name: string) =>
      text(propertiesOf(all[name] as Template, "AWS::IAM::Policy", /^rotationFunction/).PolicyDocument).length;
    expect(lengthOf(templates, "postgres-crowd-access--instance-3")).toBe(lengthOf(fewer, "postgres-crowd-access--instance-3"));
    expect(text(fewer["postgres-crowd-database"])).toBe(text(templates["postgres-crowd-database"]));
  });
});
