import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { createCommand, type FormatOptions, main, whenStopped, withExamples, withFormat } from "../command";
import { confirm } from "../confirm";
import { startDocument } from "../documents/documents";
import { toProvisioned } from "../documents/values";
import type { ProjectEnvironment } from "../load";
import { deliver, diagnoseAll, provisionAll } from "../local/deliver";
import { toBriefWarnings, toBudgetLine, toCheckReport, toHints, toSummaryTable } from "../local/report";
import { resetEnvironment, type Session, withServers } from "../local/session";

interface Options extends FormatOptions {
  readonly once?: boolean;
  readonly reset?: boolean;
  readonly yes?: boolean;
}

const command = createCommand(
  "start",
  "Start PostgreSQL on this machine, provision it, and write the files that each platform starts with.",
)
  .option("--once", "stop the server and exit when done")
  .option("--reset", "delete the environment's databases and passwords first")
  .option("--yes", "with --reset: delete without asking");

withExamples(
  command,
  ["", "start, provision, and run until Ctrl-C"],
  ["--once", "start, provision, and stop"],
  ["--reset --yes --once", "start over: delete databases and passwords first"],
  ["-e development", "start another environment"],
);

whenStopped(command, "completed steps are kept, and the next run does the rest");

export const program = main<Options>(withFormat(command), async ({ environment, progress, options }) => {
  if (options.reset === true) await reset(environment, options.yes === true);
  const stays = options.once !== true;
  const isJson = options.format === "json";
  /** Texts for people go to stderr if stdout gets a document. */
  const tell = (text: string) => void (isJson ? process.stderr : process.stdout).write(text);
  const run = async (session: Session) => {
    const provisioned = await provisionAll(session, progress);
    const checks = await diagnoseAll(session, progress);
    const summary = await deliver(session);
    progress.stop();
    if (isJson) process.stdout.write(startDocument.print(toProvisioned(session, provisioned, checks, summary)));
    else tell(`${toCheckReport(checks)}\n${toSummaryTable(session, summary)}${toBudgetLine(session)}\n`);
    process.stderr.write(toBriefWarnings(environment));
    const failed = checks.some((check) => check.problem !== null);
    if (!stays) return failed ? 1 : 0;
    tell(`\n${toHints(environment, summary)}\n\n`);
    return stay(session, tell);
  };
  return withServers(environment, progress, run, { stays });
});

const UNANSWERED = "--reset asks before it deletes, which needs a terminal; add --yes to delete without asking";

async function reset(environment: ProjectEnvironment, confirmed: boolean): Promise<void> {
  if (
    !confirmed &&
    !(await confirm(`Delete the databases, passwords and files of environment ${environment.name} on this machine?`, UNANSWERED))
  ) {
    throw new UserError("nothing was deleted");
  }
  await resetEnvironment(environment);
}

async function stay(session: Session, tell: (text: string) => void): Promise<number> {
  if (session.isGuest) {
    tell(`${pc.dim("Another npm start runs the server; Ctrl-C there stops it.")}\n`);
  } else if (session.instances.some((instance) => instance.directory !== null)) {
    tell(`${pc.dim("Ctrl-C stops the server; data and passwords stay.")}\n`);
    await session.untilStopped();
    tell(`${pc.dim("stopping")}\n`);
  }
  return 0;
}

if (require.main === module) void program.run();
