/**
 * The program in the cluster: `program.js provision` creates databases and logins, `program.js rotate` renews due passwords, and
 * `program.js renew PLATFORM` renews the password of one platform on request.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../model/errors";
import { ownEntry } from "../../model/json";
import { suggest } from "../../model/suggest";
import type { ServerAccess } from "../../provisioning/access";
import type { Patience } from "../../provisioning/connect";
import { provision } from "../../provisioning/provision";
import { describeRenewed, renew } from "../../provisioning/renewal";
import { dueAfter, rotateDue } from "../../provisioning/scheduled";
import { readMaster, rotateMaster } from "../master";
import { SecretManager, SecretManagerStore } from "../secret-manager-store";
import { type Command, readRenewArguments, TASK_FILE, type Task, WAITING } from "../task";

/** Milliseconds during which temporary errors are retried: new permissions take minutes to apply. There are three tries. */
const PATIENCE = 300_000;

const patience: Patience = { deadlineMs: PATIENCE, onRetry: (sentence) => console.log(`${WAITING}${sentence}`) };

async function readAccess({ environment, server, masterSecret, secrets }: Task, manager: SecretManager): Promise<ServerAccess> {
  const master = await readMaster(manager, masterSecret, server);
  const store = new SecretManagerStore(manager, secrets);
  return { server, master, store, patience, provision: `provision environment ${environment}` };
}

async function runProvision(task: Task, manager: SecretManager): Promise<void> {
  const work = { environment: task.environment, instance: { tenants: task.tenants } };
  const { changes, unsound } = await provision(work, await readAccess(task, manager));
  for (const { why } of changes) console.log(why);
  for (const problem of unsound) console.warn(problem);
  console.log(changes.length === 0 ? "nothing to do" : "done");
}

async function runRotate(task: Task, manager: SecretManager): Promise<void> {
  const { server, masterSecret, secrets, tenants } = task;
  const dueOf = (created: Date) => dueAfter(created, task.rotationDays);
  await rotateDue(tenants, await readAccess(task, manager), {
    due: async ({ secret }) => {
      const [current] = await manager.newest(secrets[secret] ?? "", 1);
      return current === undefined ? null : dueOf(current.created);
    },
    rotated: (platform, login) => console.log(`${platform} logs in as ${login} from now on`),
    // Google Cloud logs stderr as an error, which raises the alert.
    alarm: console.error,
  }).catch(report);
  // Last: the steps before it log in with the previous password. A platform's failure does not prevent it.
  const isDue = (created: Date) => Date.now() >= dueOf(created);
  if (task.rotatesMaster && (await rotateMaster(manager, masterSecret, server, isDue))) console.log("the master has a new password");
}

async function runRenew(task: Task, manager: SecretManager, args: readonly string[]): Promise<void> {
  const { tenants } = task;
  const { platform, ...renewal } = readRenewArguments(args);
  const tenant = ownEntry(tenants, platform);
  if (tenant === undefined) throw new UserError(`this instance has no platform ${platform}; ${suggest(platform, Object.keys(tenants))}`);
  const renewed = await renew(tenant, await readAccess(task, manager), renewal);
  for (const sentence of describeRenewed(platform, renewed)) console.log(sentence);
  if (renewed.unproved !== null) process.exitCode = 1;
}

const COMMANDS: Readonly<Record<Command, (task: Task, manager: SecretManager, args: readonly string[]) => Promise<void>>> = {
  provision: runProvision,
  rotate: runRotate,
  renew: runRenew,
};

async function main(command = "", ...args: readonly string[]): Promise<void> {
  // It always exists in a Google cluster; detecting it takes a second.
  process.env.METADATA_SERVER_DETECTION ??= "assume-present";
  const run = COMMANDS[command as Command];
  if (run === undefined) throw new UserError(`there is no command ${command}; use ${Object.keys(COMMANDS).join(" or ")}`);
  const task = JSON.parse(readFileSync(join(__dirname, TASK_FILE), "utf8")) as Task;
  await run(task, new SecretManager(patience, true), args);
}

/** Reports a user error as one sentence; a defect keeps its stack trace. */
function report(error: unknown): void {
  console.error(error instanceof UserError ? error.message : error);
  process.exitCode = 1;
}

main(...process.argv.slice(2)).catch(report);
