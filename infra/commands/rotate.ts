import pc from "picocolors";
import { UserError } from "../../constructs/model/errors";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { describeRenewed, type Renewal, type Renewed, readRenewed, renew } from "../../constructs/provisioning/renewal";
import type { Cloud, RenewalReport } from "../cloud";
import { reachInstance, readDeployment } from "../cloud-session";
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
import { typed } from "../command-line";
import { rotateDocument } from "../documents/documents";
import { toAbout } from "../documents/values";
import { toRestart } from "../instructions";
import { deliver } from "../local/deliver";
import { withServers } from "../local/session";
import { instanceOf, type Located, locate } from "../local/tenant";

interface Options extends CloudOptions, FormatOptions {
  readonly platform: string;
  readonly revoke?: boolean;
  readonly force?: boolean;
}

const command = createCommand(
  "rotate",
  "Give a platform a new password on its other login. The login in use works until the next rotation.",
)
  .requiredOption("-p, --platform <name>", "the platform")
  .option("--force", "rotate even if the login that gets the new password has sessions: they continue, but cannot reconnect")
  .option("--revoke", "after a leak: the login in use can no longer log in, and its sessions end at once");

withExamples(
  command,
  ["-p prefect", "rotate on this machine"],
  ["-p prefect --revoke", "rotate after a leak"],
  ["-p prefect --cloud gcp -e production --outputs outputs.json", "rotate in a deployment"],
);

whenStopped(command, "the platform's secret contains a working login; run this again to finish");

export const program = main<Options>(withFormat(withVia(withCloudOptions(command))), async (invocation) => {
  const { environment, cloud, options } = invocation;
  const located = locate(environment, options.platform);
  const renewal = { revoke: options.revoke === true, force: options.force === true };
  return cloud === null ? rotateHere(invocation, located, renewal) : rotateDeployed(invocation, cloud, located, renewal);
});

function rotateHere(invocation: Invocation<Options>, { instance, tenant }: Located, renewal: Renewal): Promise<number> {
  const { environment, progress, options } = invocation;
  const { platform } = options;
  return withServers(environment, progress, async (session) => {
    progress.doing(`rotating ${platform}`);
    const renewed = await renew(tenant, instanceOf(session, instance).access, renewal);
    const summary = await deliver(session);
    const file = typed(summary[platform]?.configurationFile ?? "");
    return tell(invocation, toReport(platform, renewed), `Restart the platform with ${file}.`);
  });
}

/** Rotates through the deployed program. With `--via`, or if none is deployed, uses the user's own credentials. */
async function rotateDeployed(invocation: Invocation<Options>, cloud: Cloud, located: Located, renewal: Renewal): Promise<number> {
  const { environment, progress, options } = invocation;
  const { platform, via } = options;
  const deployment = readDeployment(invocation, cloud);
  progress.doing(`rotating ${platform}`);
  const asked = via === undefined ? deployment.renew(platform, renewal, (sentence) => progress.doing(sentence)) : null;
  const report = await (asked ?? renewDeployed(invocation, cloud, located, renewal));
  const wired = wirePlatforms(environment, platforms, (each) => deployment.reach(each))[platform];
  const restart = wired === undefined ? "" : ` Reloader restarts the pods; without it, run ${toRestart(wired)}`;
  return tell(invocation, report, `External Secrets delivers it within a minute.${restart}`);
}

async function renewDeployed(
  invocation: Invocation<Options>,
  cloud: Cloud,
  { instance, tenant }: Located,
  renewal: Renewal,
): Promise<RenewalReport> {
  const { access } = await reachInstance(invocation, cloud, instance);
  return toReport(invocation.options.platform, await renew(tenant, access, renewal));
}

const toReport = (platform: string, renewed: Renewed): RenewalReport => ({
  sentences: describeRenewed(platform, renewed),
  isDone: renewed.unproved === null,
});

/** Reports a rotation. @param next the user's next step. @throws UserError if the rotation is not done. */
function tell({ environment, progress, options }: Invocation<Options>, report: RenewalReport, next: string): number {
  const { sentences, isDone } = report;
  const [done, ...rest] = isDone ? sentences : sentences.slice(0, -1);
  if (done !== undefined) progress.done(done);
  const lines = [...rest.map((sentence) => `${sentence}.`), ...(isDone ? [next] : [])];
  progress.stop();
  if (options.format === "json") process.stdout.write(toDocument(environment, options, report, next));
  else if (lines.length > 0) process.stdout.write(`${pc.dim(lines.join(" "))}\n`);
  if (!isDone) throw new UserError(sentences.at(-1) ?? "it failed without a message; see its log");
  return 0;
}

/** Empty if nothing was rotated. */
function toDocument(
  environment: Invocation<Options>["environment"],
  { platform, revoke = false }: Options,
  { sentences, isDone }: RenewalReport,
  next: string,
): string {
  const renewed = readRenewed(sentences);
  if (renewed === null && !isDone) return "";
  return rotateDocument.print({
    ...toAbout(environment),
    platform,
    works: isDone,
    login: renewed?.current ?? null,
    previousLogin: renewed?.previous ?? null,
    revoked: revoke,
    endedSessions: renewed?.ended ?? null,
    problem: isDone ? null : (renewed?.unproved ?? sentences.at(-1) ?? null),
    next: isDone ? next : null,
  });
}

if (require.main === module) void program.run();
