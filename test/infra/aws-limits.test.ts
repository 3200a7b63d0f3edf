import { rmSync } from "node:fs";
import { App, CfnWaitConditionHandle } from "aws-cdk-lib";
import { describe, expect, it, vi } from "vitest";
import { EnvironmentStack } from "../../constructs/aws/stacks/environment-stack";
import type { SpecError } from "../../constructs/model/errors";
import { checkLimits, LIMITS } from "../../infra/aws/limits";
import { planAws } from "../../infra/aws/plan";
import { CHECKED, silenceLimits } from "../../infra/aws/stacks";
import { templatesOf } from "../../infra/aws/synthesize";
import type { Resource, WrittenTemplate } from "../../infra/aws/templates";
import type { NamedSpec } from "../../infra/spec";
import { crowd, productionAws, resolveAws, withNamed } from "../fixtures/aws";
import { temporary } from "../fixtures/cli";

type Stacks = Readonly<Record<string, WrittenTemplate>>;

const sentences = (run: () => unknown): readonly string[] => {
  try {
    run();
    return [];
  } catch (error) {
    expect((error as SpecError).name).toBe("SpecError");
    return (error as Error).message.split("\n  - ").slice(1);
  }
};
const plan = (spec: NamedSpec) => planAws(resolveAws(spec), null);
const check = (stack: string, written: Partial<WrittenTemplate["template"]>, bytes = 0) =>
  sentences(() => checkLimits({ [stack]: { template: { Resources: {}, ...written }, bytes } } as Stacks));

const many = <T>(count: number, value: T): Readonly<Record<string, T>> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`Id${index}`, value]));
const rows = (resource: Resource) => ({ Resources: { Id: resource } });

const DATABASE = "postgres-prod-database";

describe("a stack at a limit of AWS passes, and one step beyond is one sentence", () => {
  const OTHERS = "move some instances, with their platforms, to another environment";

  it.each([
    ["500 resources", 500, (count: number) => check(DATABASE, { Resources: many(count, { Type: "T" }) })],
    ["1,000,000 bytes of its template", 1_000_000, (count: number) => check(DATABASE, {}, count)],
    ["200 outputs", 200, (count: number) => check(DATABASE, { Outputs: many(count, { Value: "v" }) })],
    ["200 parameters", 200, (count: number) => check(DATABASE, { Parameters: many(count, {}) })],
    [
      "60 references to values of secrets",
      60,
      (count: number) =>
        check(DATABASE, { Resources: many(count, { Type: "T", Properties: { Password: "{{resolve:secretsmanager:arn}}" } }) }),
    ],
    [
      "10,240 characters of a role's policies",
      10_240,
      (count: number) => {
        // Two policies of one role, which IAM counts together.
        const document = (length: number) => ({ Statement: "x".repeat(length - '{"Statement":""}'.length) });
        const policy = (length: number): Resource => ({
          Type: "AWS::IAM::Policy",
          Properties: { Roles: [{ Ref: "Role" }], PolicyDocument: document(length) },
        });
        return check(DATABASE, { Resources: { One: policy(5_000), Two: policy(count - 5_000) } });
      },
    ],
    [
      "4,096 bytes of a function's variables",
      4_096,
      (count: number) => {
        const TASK = { "Fn::Join": ["", ["x".repeat(count - "TASK".length - 150 - "Ab".length), { Ref: "Secret" }]] };
        return check(DATABASE, rows({ Type: "AWS::Lambda::Function", Properties: { Environment: { Variables: { TASK, A: "b" } } } }));
      },
    ],
  ] as const)("of %s", (most, count, at) => {
    expect(at(count)).toEqual([]);
    expect(at(count + 1)).toEqual([
      `instances: must fit into stack ${DATABASE}: AWS accepts at most ${most}, got ${(count + 1).toLocaleString("en-US")}; ${OTHERS}`,
    ]);
  });

  it("covers every limit", () => expect(LIMITS).toHaveLength(7));

  it.each([
    ["postgres-prod-access", `instances: must fit into stack postgres-prod-access: ... ${OTHERS}`],
    [
      "postgres-prod-access--main",
      "instances.main: must fit into stack postgres-prod-access: ... move some of its platforms to another instance, or to another environment",
    ],
    ["postgres-prod-platforms", "platforms: must fit into stack postgres-prod-platforms: ... move some platforms to another environment"],
    ["postgres-prod-platforms--team-a", "platforms.team-a: must fit into stack postgres-prod-platforms: ... shorten its values"],
  ])("of %s names the part of the spec that fills it", (stack, sentence) => {
    const [found = ""] = check(stack, {}, 1_000_001);
    expect(found.replace("AWS accepts at most 1,000,000 bytes of its template, got 1,000,001;", "...")).toBe(sentence);
  });
});

describe("an environment one step beyond a limit is refused before anything is created, by the plan, too", () => {
  it("with too many instances", () => {
    const spec = { ...productionAws, name: "wide", aws: { ...productionAws.aws, region: "eu-central-1" }, platforms: {} };
    const wide = (count: number) => ({
      ...spec,
      instances: Object.fromEntries(Array.from({ length: count }, (_, index) => [`i${index}`, {}])),
    });
    expect(sentences(() => plan(wide(22)))).toEqual([]);
    expect(sentences(() => plan(wide(23)))).toEqual([
      "instances: must fit into stack postgres-wide-database: AWS accepts at most 500 resources, got 512; move some instances, with their platforms, to another environment",
    ]);
  });

  it("with too many platforms on one instance", () => {
    expect(sentences(() => plan(crowd(96, 1)))).toEqual([]);
    expect(sentences(() => plan(crowd(97, 1)))).toEqual([
      expect.stringMatching(
        /^instances\.instance-0: must fit into stack postgres-crowd-access: AWS accepts at most 500 resources, got 50\d; move some of its platforms/,
      ),
    ]);
  });

  it("with values of a chart that are too long", () => {
    const notes = { platform: "prefect", values: { server: { podAnnotations: { note: "x".repeat(1_000_000) } } } };
    const spec = withNamed({ ...productionAws, platforms: {} }, { notes });
    expect(sentences(() => plan(spec))).toEqual([
      expect.stringMatching(
        /^platforms\.notes: must fit into stack postgres-production-platforms: AWS accepts at most 1,000,000 bytes of its template, got 1,01\d,\d{3}; shorten its values$/,
      ),
    ]);
  });

  it("without a trace of the CDK, whose own checks would come first", () => {
    vi.stubEnv("CDK_VALIDATION", undefined);
    const outdir = temporary();
    const app = new App({ outdir, analyticsReporting: false, context: CHECKED });
    const stack = new EnvironmentStack(app, { environment: resolveAws(crowd(0, 1)), part: "database", description: "Full" });
    silenceLimits(stack);
    for (let index = 0; index < 501; index++) new CfnWaitConditionHandle(stack, `Handle${index}`);
    try {
      expect(sentences(() => checkLimits(templatesOf(app.synth())))).toEqual([
        expect.stringMatching(/^instances: must fit into stack postgres-crowd-database: AWS accepts at most 500 resources, got 501; /),
      ]);
    } finally {
      vi.unstubAllEnvs();
      rmSync(outdir, { recursive: true, force: true });
    }
  });
});
