import { reachDeployed } from "../cloud-session";
import {
  type CloudOptions,
  createCommand,
  type FormatOptions,
  main,
  withCloudOptions,
  withExamples,
  withFormat,
  withVia,
} from "../command";
import { doctorDocument } from "../documents/documents";
import { toAbout, toChecks } from "../documents/values";
import { diagnoseAll } from "../local/deliver";
import { checkHealth, readRunningPlatform } from "../local/health";
import { toCheckReport, toCheckTable, toWarningGroup } from "../local/report";
import { type Session, withServers } from "../local/session";

interface Options extends CloudOptions, FormatOptions {
  readonly all?: boolean;
  readonly url?: readonly string[];
}

const command = createCommand("doctor", "Connect as the platforms do, and report problems. Changes nothing.")
  .option("--all", "also list passed checks and warnings about the environment; --format json always lists all checks")
  .option("--url <platform=URL...>", "also query running platforms, such as prefect=http://localhost:4200 (without the path of the API)");

withExamples(
  command,
  ["", "check what npm start runs on this machine"],
  ["--all", "also list passed checks"],
  ["--url prefect=http://localhost:4200", "also query a running platform"],
  ["--cloud aws -e production --outputs cdk-outputs.json --via localhost:5433", "check a deployment, through a tunnel"],
);

export const program = main<Options>(withFormat(withVia(withCloudOptions(command))), async (invocation) => {
  const { environment, cloud, progress, options } = invocation;
  const running = (options.url ?? []).map((written) => readRunningPlatform(written, environment));
  const look = async (session: Pick<Session, "environment" | "instances">) => {
    const health = await Promise.all(running.map((each) => checkHealth(each, environment)));
    const checks = [...(await diagnoseAll(session, progress)), ...health.flat()];
    progress.stop();
    const text = () => `${options.all === true ? `${toWarningGroup(environment)}${toCheckTable(checks)}` : ""}${toCheckReport(checks)}`;
    process.stdout.write(options.format === "json" ? doctorDocument.print({ ...toAbout(environment), ...toChecks(checks) }) : text());
    return checks.some((check) => check.problem !== null) ? 1 : 0;
  };
  return cloud === null ? withServers(environment, progress, look, { creates: false }) : look(await reachDeployed(invocation, cloud));
});

if (require.main === module) void program.run();
