import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { mapValues } from "../../constructs/model/json";
import { bundleDirectory } from "../../constructs/package/bundle";
import { synthesize } from "../../infra/aws/synthesize";
import type { Template } from "../../infra/aws/templates";
import { crowd, minimalAws, resolveAws } from "../fixtures/aws";
import production from "../fixtures/environments/production";
import { ProjectCopy } from "../gcp/engine/project";
import { compare, type Row } from "./measure";

/** CloudFormation's limit for a stack. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MOST_RESOURCES = 500;

/** `production` as the CLI runs the app, without validation, against plain constructs; and how it grows. */
export async function benchSynth(): Promise<readonly Row[]> {
  const project = new ProjectCopy();
  process.env.CDK_VALIDATION = "false";
  try {
    return [await benchApp(project), ...(await benchGrowth())];
  } finally {
    project.remove();
  }
}

/** Bundled as cdk.json's app line does it, so that both load the same way. */
function build(source: string, outfile: string): void {
  buildSync({ entryPoints: [source], bundle: true, platform: "node", packages: "external", outfile });
}

async function benchApp({ directory }: ProjectCopy): Promise<Row> {
  const { context } = JSON.parse(readFileSync(join(directory, "cdk.json"), "utf8")) as { readonly context: object };
  const apps = { ours: join(directory, ".build", "app.cjs"), bare: join(directory, ".build", "bare.cjs") };
  build(join(directory, "infra", "aws", "app.ts"), apps.ours);
  build(join(__dirname, "bare-l2.ts"), apps.bare);
  const templates = synthesize(resolveAws(production));
  const counts = Object.fromEntries(Object.entries(templates).map(([stack, template]) => [stack.split("-").at(-1), countOf(template)]));
  const run = (app: string, name: string) =>
    execFileSync(process.execPath, [app], {
      stdio: "ignore",
      env: {
        ...process.env,
        CDK_OUTDIR: join(directory, "cdk.out", name),
        CDK_CONTEXT_JSON: JSON.stringify({ ...context, environment: "production" }),
        COUNTS: JSON.stringify(counts),
        BUNDLE: bundleDirectory("functions"),
      },
    });
  const [ours, theirs] = await compare(
    9,
    () => run(apps.ours, "ours"),
    () => run(apps.bare, "bare"),
  );
  const total = Object.values<number>(counts).reduce((sum, count) => sum + count, 0);
  return { what: `AWS app, production (${total} resources)`, ours, baseline: "bare L2 app, as many resources", theirs, atMost: 1.15 };
}

const countOf = ({ Resources }: Template): number => Object.keys(Resources).length;

/** One, five and twenty instances: what one more costs stays the same. */
async function benchGrowth(): Promise<readonly Row[]> {
  const environment = (count: number) => {
    const { main } = minimalAws.instances;
    const others = Array.from({ length: count - 1 }, (_, index) => [`more-${index}`, {}]);
    return resolveAws({
      ...minimalAws,
      instances: { main: main ?? {}, ...Object.fromEntries(others) },
      platforms: { prefect: { instance: "main" } },
    });
  };
  const environments = { 1: environment(1), 5: environment(5), 20: environment(20) };
  const [five, one] = await compare(
    7,
    () => synthesize(environments[5]),
    () => synthesize(environments[1]),
  );
  const [twenty] = await compare(
    5,
    () => synthesize(environments[20]),
    () => undefined,
  );
  const counts = mapValues(environments, (each) => countOf(synthesize(each)["postgres-minimal-database"] ?? { Resources: {} }));
  const perInstance = ((counts[5] ?? 0) - (counts[1] ?? 0)) / 4;
  const limit = Math.floor((MOST_RESOURCES - (counts[1] ?? 0)) / perInstance) + 1;
  process.stderr.write(
    `resources of the database stack: ${counts[1]} with one instance, ${perInstance} for each more; ${MOST_RESOURCES} are reached by ${limit} instances\n`,
  );
  const large = { few: resolveAws(crowd(25, 5)), one: resolveAws(crowd(5, 1)), all: resolveAws(crowd(100, 20)) };
  const [few, single] = await compare(
    3,
    () => synthesize(large.few),
    () => synthesize(large.one),
  );
  const [hundred] = await compare(
    3,
    () => synthesize(large.all),
    () => undefined,
  );
  process.stderr.write(`${JSON.stringify(largest(synthesize(large.all)))} with 100 platforms on 20 instances\n`);
  process.stderr.write(`resources of the other stacks for each platform: ${platformResources()}\n`);
  return [
    {
      what: "synthesize 20 instances",
      ours: twenty - one,
      baseline: "19/4 x four more than one",
      theirs: ((five - one) * 19) / 4,
      atMost: 1.3,
    },
    {
      what: "synthesize 100 platforms on 20 instances",
      ours: hundred - single,
      baseline: "19/4 x 20 platforms on 4 instances more",
      theirs: ((few - single) * 19) / 4,
      atMost: 1.5,
    },
  ];
}

/** The most that a stack, nested ones included, has of what CloudFormation limits. */
function largest(templates: Readonly<Record<string, Template>>): object {
  const most = (of: (template: Template) => number) => Math.max(...Object.values(templates).map(of));
  return {
    stacks: Object.keys(templates).length,
    resources: most(countOf),
    bytes: most((template) => JSON.stringify(template, null, 1).length),
    outputs: most(({ Outputs = {} }) => Object.keys(Outputs).length),
  };
}

function platformResources(): string {
  const { mlflow } = minimalAws.platforms;
  const of = (platforms: object) => synthesize(resolveAws({ ...minimalAws, platforms }));
  const [one, two] = [of({ prefect: {} }), of({ prefect: {}, mlflow: mlflow ?? {} })];
  const more = Object.entries(two).map(([stack, template]) => [
    stack.split("-").at(-1),
    countOf(template) - countOf(one[stack] ?? { Resources: {} }),
  ]);
  return more.map(([stack, count]) => `${stack} ${count}`).join(", ");
}
