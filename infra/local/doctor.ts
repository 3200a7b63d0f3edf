import { createCommand, main } from "./command";
import { diagnoseAll } from "./deliver";
import { toCheckReport, toCheckTable } from "./report";
import { withServers } from "./session";

const command = createCommand("doctor", "Connect like the platforms do, and say what is wrong. Changes nothing.").option(
  "--all",
  "list what was looked at, too",
);

void main<{ readonly all?: boolean }>(command, ({ environment, progress, options }) =>
  withServers(environment, progress, async (session) => {
    const checks = await diagnoseAll(session, progress);
    progress.stop();
    process.stdout.write(`${options.all === true ? toCheckTable(checks) : ""}${toCheckReport(checks)}`);
    return checks.some((check) => check.problem !== null) ? 1 : 0;
  }),
);
