import pc from "picocolors";
import { revoke } from "../../constructs/provisioning/revoke";
import { rotate } from "../../constructs/provisioning/rotate";
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
  const { instance, tenant } = locate(environment, options.platform);
  return withServers(environment, progress, async (session) => {
    progress.doing(`rotating ${options.platform}`);
    const { access } = instanceOf(session, instance);
    const done =
      options.revoke === true
        ? await revoke(tenant, access)
        : { ...(await rotate(tenant, access, { force: options.force === true })), ended: null, unproved: null };
    const { current, previous, ended, unproved } = done;
    const summary = await deliver(session);
    progress.done(`${options.platform} has a new password, on login ${current}`);
    const old =
      ended === null ? `${previous} works until the next rotation` : `${previous} can no longer log in; ${ended} of its sessions ended`;
    const file = summary[options.platform]?.configurationFile ?? "";
    process.stdout.write(`${pc.dim(`${old}. Restart the platform with ${typed(file)}.`)}\n`);
    if (unproved === null) return 0;
    process.stdout.write(`The leak is closed. The new login does not work yet: ${unproved}\n`);
    return 1;
  });
});
