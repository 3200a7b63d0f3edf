import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  PutSecretValueCommand,
  ResourceExistsException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import type { TenantLogins } from "../../provisioning/access";
import { type Client, type Patience, persist, type Server, withClient } from "../../provisioning/connect";
import { type Credential, generatePassword } from "../../provisioning/credential";
import { ProvisioningError } from "../../provisioning/errors";
import { withLock } from "../../provisioning/lock";
import type { Renewed } from "../../provisioning/renewal";
import { nextCredential, proveCredential, refuseRevoked } from "../../provisioning/rotate";
import { admitTurn, dueAfter } from "../../provisioning/scheduled";
import { toSecretText } from "../../provisioning/stored-secret";
import { setOwnPassword, setPassword } from "../../provisioning/versions";
import { ask, describeSecret, readVersion, removeStage } from "../secrets-manager-store";
import { type RotationTask, type ServerTask, TASK_FILE, VARIABLES } from "../task";
import { type RenewalEvent, renewByHand } from "./by-hand";
import { type Context, withinTime } from "./deadline";
import { createSecretsClient, findTenant, provisionIt, readMaster, serverOf } from "./task";

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html */
export interface RotationEvent {
  readonly Step: "createSecret" | "setSecret" | "testSecret" | "finishSecret";
  /** ARN of the secret. */
  readonly SecretId: string;
  /** ID of the version that becomes the current one. */
  readonly ClientRequestToken: string;
}

/** One rotation of one secret. `tenant` is null for the master's. */
interface Rotation {
  readonly event: RotationEvent;
  readonly client: SecretsManagerClient;
  readonly task: ServerTask & RotationTask;
  readonly server: Server;
  readonly patience: Patience;
  readonly tenant: TenantLogins | null;
}

/** Secrets Manager calls it for one step, and a person for a whole renewal. It reads its task from the function's package. */
export async function handler(event: RotationEvent | RenewalEvent, context: Context): Promise<Renewed | undefined> {
  return rotate(event, context, JSON.parse(readFileSync(join(__dirname, TASK_FILE), "utf8")) as RotationTask);
}

/** Runs one step of a rotation, or all of it for a person. @returns what was done for a person. */
export async function rotate(event: RotationEvent | RenewalEvent, context: Context, own: RotationTask): Promise<Renewed | undefined> {
  // `own` comes last: while a function is updated, its variables may still contain the tenants of an earlier version.
  const task = { ...(JSON.parse(process.env[VARIABLES.task] ?? "{}") as ServerTask), ...own };
  if (!("Step" in event)) return renewByHand(event, context, task);
  await runStep(event, context, task);
  return undefined;
}

/**
 * Runs one step of a rotation. Each step can be called again, even after an interruption: it finds and keeps the work of an earlier call.
 *
 * When rotation is set up, Secrets Manager calls only the third step, without a pending version: then there is nothing to test.
 */
async function runStep(event: RotationEvent, context: Context, task: ServerTask & RotationTask): Promise<void> {
  await withinTime(context, async (patience) => {
    const client = createSecretsClient(patience);
    const tenant = await findTenant(client, event.SecretId, task);
    await STEPS[event.Step]({ event, client, task, server: serverOf(task, task.ca), patience, tenant });
    console.log(`${event.Step} done`);
  });
}

const STEPS: Readonly<Record<RotationEvent["Step"], (rotation: Rotation) => Promise<void>>> = {
  createSecret,
  setSecret,
  testSecret,
  finishSecret,
};

/** Stores a new credential as the pending version: for the platform's other login, or for the master. */
async function createSecret(rotation: Rotation): Promise<void> {
  const { tenant } = rotation;
  if (tenant === null) return storePending(rotation, async ({ username }) => ({ username, password: generatePassword() }));
  // Under the lock: a rotation by hand, or a revocation, must not change the login in use meanwhile.
  await withServer(rotation, async (session) => {
    let alarm: string | null = null;
    await storePending(rotation, async (current, due) => {
      const next = nextCredential(tenant, current);
      alarm = await admitTurn(session, next.username, due);
      return next;
    });
    // CloudWatch counts errors in the log.
    if (alarm !== null) console.error(alarm);
  });
}

/** @param toNext is called with the current credential, and when it is due. */
async function storePending({ event, client }: Rotation, toNext: (current: Credential, due: number) => Promise<Credential>): Promise<void> {
  const current = await readVersion(client, event.SecretId, "AWSCURRENT");
  if (current === null) throw new ProvisioningError(`secret ${event.SecretId} has no password yet; deploy the environment first`);
  if (current.id === event.ClientRequestToken || (await readPending({ event, client })) !== null) return;
  const { RotationRules: rules } = await describeSecret(client, event.SecretId);
  const due = dueAfter(current.created, rules?.AutomaticallyAfterDays ?? Number.POSITIVE_INFINITY);
  const next = await toNext(current.credential, due);
  const version = { SecretId: event.SecretId, ClientRequestToken: event.ClientRequestToken, VersionStages: ["AWSPENDING"] };
  const request = client.send(new PutSecretValueCommand({ ...version, SecretString: toSecretText(next) }));
  await ask(
    event.SecretId,
    request.catch((error) => {
      // A concurrent call has stored its own version, which is equally good.
      if (!(error instanceof ResourceExistsException)) throw error;
    }),
  );
}

/** Sets the pending password on the server. */
async function setSecret(rotation: Rotation): Promise<void> {
  if (await isFinished(rotation)) return;
  await withPending(rotation, (session, pending) => givePassword(rotation, session, pending));
}

/** Logs in with the pending password. */
async function testSecret(rotation: Rotation): Promise<void> {
  const { server, patience } = rotation;
  const pending = await readPending(rotation);
  if (pending !== null) await persist(server, pending, "postgres", patience, () => tryPassword(rotation, pending));
}

/**
 * Makes the pending version the current one, and the current one the previous.
 *
 * Under the lock, and after setting and testing the password once more: since the third step, another run may have restored an older one.
 */
async function finishSecret(rotation: Rotation): Promise<void> {
  if (await isFinished(rotation)) return;
  await withPending(rotation, async (session, pending) => {
    await givePassword(rotation, session, pending);
    await tryPassword(rotation, pending);
    await makeCurrent(rotation);
  });
}

/** Runs something as the master, while no other run changes the server, with the version that is pending then. */
async function withPending(rotation: Rotation, run: (session: Client, pending: Credential) => Promise<void>): Promise<void> {
  await requirePending(rotation);
  await withServer(rotation, async (session) => {
    const pending = await requirePending(rotation);
    await refuseLoginInUse(rotation, pending);
    await run(session, pending);
  });
}

/** Runs something as the master, while no other run changes the server, unless an interrupted revocation comes first. */
async function withServer({ client, task, server, patience, tenant }: Rotation, run: (session: Client) => Promise<void>): Promise<void> {
  const master = await readMaster(client, task, server);
  await persist(server, master, "postgres", patience, () =>
    withLock({ server, master, patience }, async (session) => {
      if (tenant !== null) await refuseRevoked(session, tenant, provisionIt(task));
      await run(session);
    }),
  );
}

/** A version that was restored by hand may belong to the login to renew, whose sessions would lose their password. */
async function refuseLoginInUse({ event: { SecretId, ClientRequestToken }, client, tenant }: Rotation, pending: Credential): Promise<void> {
  const current = await readVersion(client, SecretId, "AWSCURRENT");
  if (tenant === null || current?.credential.username !== pending.username) return;
  await removeStage(client, SecretId, "AWSPENDING");
  throw new ProvisioningError(
    `version ${ClientRequestToken} of secret ${SecretId} would renew ${pending.username}, which is in use, so this rotation was abandoned; rotate it again`,
  );
}

const givePassword = ({ tenant }: Rotation, session: Client, pending: Credential): Promise<void> =>
  tenant === null ? setOwnPassword(session, pending) : setPassword(session, pending);

const tryPassword = ({ tenant, server, task }: Rotation, pending: Credential): Promise<void> =>
  tenant === null
    ? withClient(server, pending, "postgres", async () => undefined)
    : proveCredential(tenant, pending, server, provisionIt(task));

async function makeCurrent(rotation: Rotation): Promise<void> {
  const { event, client } = rotation;
  const { SecretId, ClientRequestToken } = event;
  const current = await readVersion(client, SecretId, "AWSCURRENT");
  const move = { SecretId, VersionStage: "AWSCURRENT", MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current?.id };
  await ask(SecretId, client.send(new UpdateSecretVersionStageCommand(move))).catch(async (error) => {
    // An earlier try has succeeded, but its response was lost.
    if (!(await isFinished(rotation))) throw error;
  });
}

/** Whether an earlier call has done the last step. */
const isFinished = async ({ event, client }: Rotation): Promise<boolean> =>
  (await readVersion(client, event.SecretId, "AWSCURRENT"))?.id === event.ClientRequestToken;

/** @throws ProvisioningError if another rotation has begun, or this one is over: its password must not become the current one. */
async function requirePending(rotation: Rotation): Promise<Credential> {
  const pending = await readPending(rotation);
  if (pending !== null) return pending;
  const { SecretId, ClientRequestToken } = rotation.event;
  throw new ProvisioningError(`version ${ClientRequestToken} of secret ${SecretId} is not pending; rotate it again`);
}

/** Returns the version that this rotation created, while it is pending. */
async function readPending({ event, client }: Pick<Rotation, "event" | "client">): Promise<Credential | null> {
  const { SecretId } = event;
  const { VersionIdsToStages: stages } = await describeSecret(client, SecretId);
  if (!stages?.[event.ClientRequestToken]?.includes("AWSPENDING")) return null;
  const pending = await readVersion(client, SecretId, "AWSPENDING");
  return pending?.id === event.ClientRequestToken ? pending.credential : null;
}
