import { Option } from "commander";
import type { Cloud } from "../cloud";
import { reachDeployed } from "../cloud-session";
import {
  type CloudOptions,
  createCommand,
  type FormatOptions,
  type Invocation,
  main,
  whenStopped,
  withCloudOptions,
  withExamples,
  withFormat,
  withVia,
} from "../command";
import { closeDocument, dryRunDocument, provisionDocument } from "../documents/documents";
import { toAbout, toProvisioned } from "../documents/values";
import { dryRunAll, toDryRunText } from "../dry-run";
import { closeAll, deliver, diagnoseAll, provisionAll } from "../local/deliver";
import { toBudgetLine, toCheckReport, toSummaryTable, toWarnings } from "../local/report";
import { type Session, withServers } from "../local/session";

interface Options extends CloudOptions, FormatOptions {
  readonly close?: string;
  readonly dryRun?: boolean;
}

/** The exit code if provisioning would change something, or another person has to. */
const DRIFT = 2;

const command = createCommand(
  "provision",
  "Provision an environment's databases (local, deployed or existing), and write the files that each platform starts with.",
)
  .addOption(
    new Option("--dry-run", "show what would change, and change nothing; exits with 2 if anything would change").conflicts("close"),
  )
  .option("--close <platform>", "instead, close the logins of a platform that you removed from the spec; its databases stay");

type Reached = Pick<Session, "environment" | "instances">;

withExamples(
  command,
  ["-e production", "provision the environment's existing database"],
  ["--cloud aws -e production --outputs cdk-outputs.json --dry-run", "show what would change in a deployment"],
  ["--close prefect", "close the logins of a platform that is no longer in the spec"],
);

whenStopped(command, "completed steps are kept, and the next run does the rest");

export const program = main<Options>(withFormat(withVia(withCloudOptions(command))), async (invocation) => {
  process.stderr.write(toWarnings(invocation.environment));
  const { close: platform, dryRun = false } = invocation.options;
  if (platform !== undefined) return reach(invocation, (session) => close(invocation, session, platform));
  if (dryRun) return reach(invocation, (session) => tryDry(invocation, session), false);
  return invocation.cloud === null ? provisionHere(invocation) : provisionDeployed(invocation, invocation.cloud);
});

/** Runs a function on the environment's servers, local or deployed. @param creates whether to create servers that were never started. */
function reach(invocation: Invocation<Options>, run: (session: Reached) => Promise<number>, creates = true): Promise<number> {
  const { environment, cloud, progress } = invocation;
  return cloud === null ? withServers(environment, progress, run, { creates }) : reachDeployed(invocation, cloud).then(run);
}

async function tryDry({ options, progress }: Invocation<Options>, session: Reached): Promise<number> {
  const values = await dryRunAll(session, progress);
  progress.stop();
  process.stdout.write(options.format === "json" ? dryRunDocument.print(values) : toDryRunText(values));
  return values.upToDate ? 0 : DRIFT;
}

function provisionHere({ environment, progress, options }: Invocation<Options>): Promise<number> {
  return withServers(environment, progress, async (session) => {
    const provisioned = await provisionAll(session, progress);
    const checks = await diagnoseAll(session, progress);
    const summary = await deliver(session);
    progress.stop();
    const text = () => `${toCheckReport(checks)}\n${toSummaryTable(session, summary)}${toBudgetLine(session)}\n`;
    process.stdout.write(
      options.format === "json" ? provisionDocument.print(toProvisioned(session, provisioned, checks, summary)) : text(),
    );
    return checks.some((check) => check.problem !== null) ? 1 : 0;
  });
}

/** Closes a platform's logins on every instance that has any. */
async function close({ environment, progress, options }: Invocation<Options>, session: Reached, platform: string): Promise<number> {
  progress.doing(`closing ${platform}`);
  const endedSessions = await closeAll(session, platform);
  progress.done(`the logins of ${platform} are closed, and ${endedSessions} sessions ended; its databases and its secret stay`);
  if (options.format === "json") process.stdout.write(closeDocument.print({ ...toAbout(environment), platform, endedSessions }));
  return 0;
}

/** Writes no files, because a cloud's secrets stay in the cloud: `npm run render` writes them. */
async function provisionDeployed(invocation: Invocation<Options>, cloud: Cloud): Promise<number> {
  const { progress, options } = invocation;
  const session = await reachDeployed(invocation, cloud);
  const provisioned = await provisionAll(session, progress);
  const checks = await diagnoseAll(session, progress);
  progress.stop();
  process.stdout.write(
    options.format === "json"
      ? provisionDocument.print(toProvisioned(session, provisioned, checks, null))
      : `${toCheckReport(checks)}\n${toBudgetLine(session)}\n`,
  );
  return checks.some((check) => check.problem !== null) ? 1 : 0;
}

if (require.main === module) void program.run();
