import pc from "picocolors";
import { rotate } from "../../constructs/provisioning/rotate";
import { createCommand, main } from "../command";
import { typed } from "../command-line";
import { deliver } from "../local/deliver";
import { withServers } from "../local/session";
import { instanceOf, locate } from "../local/tenant";

interface Options {
  readonly platform: string;
  readonly revoke?: boolean;
}

const command = createCommand("rotate", "Give a platform a new password, on its other login. The one in use works until the next rotation.")
  .requiredOption("-p, --platform <name>", "the platform")
  .option("--revoke", "close a leak: the login in use can no longer log in, and its sessions end at once");

void main<Options>(command, ({ environment, progress, options }) => {
  const { instance, tenant } = locate(environment, options.platform);
  return withServers(environment, progress, async (session) => {
    progress.doing(`rotating ${options.platform}`);
    const { current, previous, ended } = await rotate(tenant, instanceOf(session, instance).access, { revoke: options.revoke === true });
    const summary = await deliver(session);
    progress.done(`${options.platform} has a new password, on login ${current}`);
    const old =
      ended === null ? `${previous} works until the next rotation` : `${previous} can no longer log in; ${ended} of its sessions ended`;
    const file = summary[options.platform]?.configurationFile ?? "";
    process.stdout.write(`${pc.dim(`${old}. Restart the platform with ${typed(file)}.`)}\n`);
    return 0;
  });
});
