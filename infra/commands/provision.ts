import type { Cloud } from "../cloud";
import { reachDeployed } from "../cloud-session";
import { type CloudOptions, createCommand, type Invocation, main, withCloudOptions, withVia } from "../command";
import { closeAll, deliver, diagnoseAll, provisionAll } from "../local/deliver";
import { toBudgetLine, toCheckReport, toSummaryTable, toWarnings } from "../local/report";
import { type Session, withServers } from "../local/session";

interface Options extends CloudOptions {
  readonly close?: string;
}

const command = createCommand(
  "provision",
  "Provision an environment's databases, which are created here, deployed or existing, and write what each platform starts with.",
).option("--close <platform>", "instead, close the logins of a platform that you took out of the spec; its databases stay");

void main<Options>(withVia(withCloudOptions(command)), async (invocation) => {
  process.stderr.write(toWarnings(invocation.environment));
  if (invocation.options.close !== undefined) return close(invocation, invocation.options.close);
  return invocation.cloud === null ? provisionHere(invocation) : provisionDeployed(invocation, invocation.cloud);
});

function provisionHere({ environment, progress }: Invocation<CloudOptions>): Promise<number> {
  return withServers(environment, progress, async (session) => {
    await provisionAll(session, progress);
    const checks = await diagnoseAll(session, progress);
    const summary = await deliver(session);
    progress.stop();
    process.stdout.write(`${toCheckReport(checks)}\n${toSummaryTable(session, summary)}${toBudgetLine(session)}\n`);
    return checks.some((check) => check.problem !== null) ? 1 : 0;
  });
}

/** Closes a platform's logins on every instance that has some. */
function close(invocation: Invocation<Options>, platform: string): Promise<number> {
  const { environment, cloud, progress } = invocation;
  const run = async (session: Pick<Session, "instances">): Promise<number> => {
    progress.doing(`closing ${platform}`);
    const closed = await closeAll(session, platform);
    progress.done(`the logins of ${platform} are closed, and ${closed} sessions ended; its databases and its secret stay`);
    return 0;
  };
  return cloud === null ? withServers(environment, progress, run) : reachDeployed(invocation, cloud).then(run);
}

/** A cloud's secrets stay there, and so nothing is written: `npm run render` does that. */
async function provisionDeployed(invocation: Invocation<CloudOptions>, cloud: Cloud): Promise<number> {
  const session = await reachDeployed(invocation, cloud);
  await provisionAll(session, invocation.progress);
  const checks = await diagnoseAll(session, invocation.progress);
  invocation.progress.stop();
  process.stdout.write(`${toCheckReport(checks)}\n${toBudgetLine(session)}\n`);
  return checks.some((check) => check.problem !== null) ? 1 : 0;
}
