import pc from "picocolors";
import { describeRenewed, renew } from "../../constructs/provisioning/renewal";
import { createCommand, main } from "../command";
import { typed } from "../command-line";
import { deliver } from "../local/deliver";
import { withServers } from "../local/session";
import { instanceOf, locate } from "../local/tenant";

interface Options {
  readonly platform: string;
  readonly revoke?: boolean;
  readonly force?: boolean;
}

const command = createCommand("rotate", "Give a platform a new password, on its other login. The one in use works until the next rotation.")
  .requiredOption("-p, --platform <name>", "the platform")
  .option("--force", "even if the login that gets the new password has sessions: they go on, but cannot connect again")
  .option("--revoke", "close a leak: the login in use can no longer log in, and its sessions end at once");

void main<Options>(command, ({ environment, progress, options }) => {
  const { platform } = options;
  const { instance, tenant } = locate(environment, platform);
  return withServers(environment, progress, async (session) => {
    progress.doing(`rotating ${platform}`);
    const { access } = instanceOf(session, instance);
    const renewed = await renew(tenant, access, { revoke: options.revoke === true, force: options.force === true });
    const [done = "", old = "", ...problems] = describeRenewed(platform, renewed);
    const summary = await deliver(session);
    progress.done(done);
    process.stdout.write(`${pc.dim(`${old}. Restart the platform with ${typed(summary[platform]?.configurationFile ?? "")}.`)}\n`);
    for (const problem of problems) process.stdout.write(`${problem}\n`);
    return problems.length === 0 ? 0 : 1;
  });
});
