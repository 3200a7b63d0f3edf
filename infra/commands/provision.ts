import type { Cloud } from "../cloud";
import { reachDeployed } from "../cloud-session";
import { type CloudOptions, createCommand, type Invocation, main, withCloudOptions, withVia } from "../command";
import { deliver, diagnoseAll, provisionAll } from "../local/deliver";
import { toBudgetLine, toCheckReport, toSummaryTable, toWarnings } from "../local/report";
import { withServers } from "../local/session";

const command = createCommand(
  "provision",
  "Provision an environment's databases, made here, by a deployment or by somebody else, and write what each platform starts with.",
);

void main<CloudOptions>(withVia(withCloudOptions(command)), async (invocation) => {
  process.stderr.write(toWarnings(invocation.environment));
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

/** A cloud's secrets stay there, and so nothing is written: `npm run render` does that. */
async function provisionDeployed(invocation: Invocation<CloudOptions>, cloud: Cloud): Promise<number> {
  const session = await reachDeployed(invocation, cloud);
  await provisionAll(session, invocation.progress);
  const checks = await diagnoseAll(session, invocation.progress);
  invocation.progress.stop();
  process.stdout.write(`${toCheckReport(checks)}\n${toBudgetLine(session)}\n`);
  return checks.some((check) => check.problem !== null) ? 1 : 0;
}
