import { createCommand, main } from "./command";
import { deliver, diagnoseAll, provisionAll } from "./deliver";
import { toBudgetLine, toCheckReport, toSummaryTable, toWarnings } from "./report";
import { withServers } from "./session";

const command = createCommand(
  "provision",
  "Provision an environment's databases, made here or by somebody else, and write what each platform starts with.",
);

void main(command, async ({ environment, progress }) => {
  process.stderr.write(toWarnings(environment));
  return withServers(environment, progress, async (session) => {
    await provisionAll(session, progress);
    const checks = await diagnoseAll(session, progress);
    const summary = await deliver(session);
    progress.stop();
    process.stdout.write(`${toCheckReport(checks)}\n${toSummaryTable(session, summary)}${toBudgetLine(session)}\n`);
    return checks.some((check) => check.problem !== null) ? 1 : 0;
  });
});
