import { ProvisioningError } from "../../provisioning/errors";
import { type Renewal, type Renewed, renew } from "../../provisioning/renewal";
import { SecretsManagerStore } from "../secrets-manager-store";
import type { RotationTask, ServerTask } from "../task";
import { type Context, withinTime } from "./deadline";
import { createSecretsClient, findTenant, provisionIt, readMaster, serverOf } from "./task";

/** The event of a manual invocation of the rotation function. */
export interface RenewalEvent extends Renewal {
  /** ARN of the platform's secret. */
  readonly secret: string;
}

/**
 * Renews a platform's password with the function's permissions, at a person's request.
 *
 * @returns what was done. It contains no password.
 * @throws ProvisioningError
 */
export async function renewByHand(
  { secret, revoke, force }: RenewalEvent,
  context: Context,
  task: ServerTask & RotationTask,
): Promise<Renewed> {
  return withinTime(context, async (patience) => {
    if (typeof secret !== "string")
      throw new ProvisioningError(
        `the event must be { "secret": ARN of a platform's secret, "revoke": true or false, "force": true or false }`,
      );
    const client = createSecretsClient(patience);
    const tenant = await findTenant(client, secret, task);
    if (tenant === null)
      throw new ProvisioningError(`secret ${secret} is the master's; run aws secretsmanager rotate-secret --secret-id ${secret}`);
    const server = serverOf(task, task.ca);
    const master = await readMaster(client, task, server);
    const store = new SecretsManagerStore(client, { [tenant.secret]: secret });
    const access = { server, master, store, patience, provision: provisionIt(task) };
    const renewed = await renew(tenant, access, { revoke: revoke === true, force: force === true });
    console.log(`renewed ${secret} on request: ${JSON.stringify(renewed)}`);
    return renewed;
  });
}
