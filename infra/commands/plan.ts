import Table from "cli-table3";
import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import type { DeploymentPlan } from "../cloud";
import { type CloudOptions, createCommand, main, withCloudOptions } from "../command";
import { npmCommand } from "../command-line";
import { toWarnings } from "../local/report";
import { rightsNotes } from "../rights";

interface Options extends CloudOptions {
  readonly against?: string;
}

/** The exit code where something would be lost. */
const DANGER = 2;

const command = withCloudOptions(
  createCommand("plan", "Show what a deployment would create, and what it would destroy compared with a saved template. Needs no account."),
).option(
  "--against <path>",
  "what is there: a template that cdk synth has written, or a folder of them; what pulumi stack export has printed",
);

void main<Options>(command, async ({ environment, cloud, progress, options }) => {
  if (cloud === null)
    throw new UserError(`--cloud is missing; on this machine ${npmCommand("start", { environment: environment.name })} shows everything`);
  process.stderr.write(toWarnings(environment));
  progress.doing("working out what there would be");
  const plan = await cloud.plan(environment, options.against ?? null);
  progress.stop();
  process.stdout.write(toText({ ...plan, notes: [...plan.notes, ...rightsNotes(environment)] }));
  return plan.dangers.length === 0 ? 0 : DANGER;
});

function toText({ resources, examples, dangers, notes, compared }: DeploymentPlan): string {
  const table = new Table({ head: ["stack", "resource", "count"], style: { head: [], border: [] } });
  for (const { stack, type, count } of resources) table.push([stack, type, count]);
  const lines = [table.toString()];
  if (examples.length > 0) lines.push(`${pc.yellow("!")} replace these placeholder IDs before you deploy: ${examples.join(", ")}`);
  lines.push(...notes.map((note) => `${pc.yellow("!")} ${note}`));
  if (compared !== null && dangers.length === 0) lines.push(`${pc.green("✔")} nothing of ${compared.join(", ")} is lost`);
  lines.push(...dangers.map((danger) => `${pc.red("✖")} ${danger}`));
  return `${lines.join("\n")}\n`;
}
