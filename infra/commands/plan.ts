import { UserError } from "../../constructs/model/errors";
import {
  type CloudOptions,
  createCommand,
  type Format,
  type FormatOptions,
  main,
  withCloudOptions,
  withExamples,
  withFormat,
} from "../command";
import { npmCommand } from "../command-line";
import { readPrices } from "../cost/prices";
import { planDocument } from "../documents/plan-document";
import { toCostReport } from "../plan/cost-report";
import { toHtml } from "../plan/html";
import { toMarkdown } from "../plan/markdown";
import { type PlanReport, toReport } from "../plan/report";
import { toText } from "../plan/text";

interface Options extends CloudOptions, FormatOptions<Format> {
  readonly against?: string;
}

/** Printers by format, the default first. */
const FORMATS: Readonly<Record<Format, (report: PlanReport) => string>> = {
  text: toText,
  markdown: toMarkdown,
  json: (report) => planDocument.print(report),
  html: toHtml,
};

/** The exit code if something would be lost or refused. */
const DANGER = 2;

const command = withFormat(
  withCloudOptions(
    createCommand(
      "plan",
      "Show what a deployment would create, change, interrupt and cost, and what would be lost or refused. Needs no account.",
    ),
  ).option(
    "--against <path>",
    "compare with this: a folder or template from cdk synth, a state from pulumi stack export, or an earlier version of the environment's file",
  ),
  Object.keys(FORMATS) as Format[],
);

withExamples(
  command,
  ["--cloud aws -e production", "show what a deployment would create, and what it costs"],
  ["--cloud aws -e production --against cdk.out", "show what would change"],
  ["--cloud gcp -e production --format markdown", "print a comment for a pull request"],
);

export const program = main<Options>(
  command,
  async ({ environment, cloud, progress, options }) => {
    if (cloud === null)
      throw new UserError(
        `--cloud is missing; to see everything on this machine, run ${npmCommand("start", { environment: environment.name })}`,
      );
    progress.doing("computing what a deployment would create");
    const plan = await cloud.plan(environment, options.against ?? null);
    const cost = toCostReport(plan.priced, readPrices(), environment.spec.monthlyCostLimitUsd ?? null);
    const report = toReport(environment, plan, { cloud: cloud.name, ...cloud.place(environment) }, cost);
    progress.stop();
    process.stdout.write(FORMATS[options.format](report));
    return report.isDangerous ? DANGER : 0;
  },
  "loadToSynthesize",
);

if (require.main === module) void program.run();
