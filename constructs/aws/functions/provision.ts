import { provision } from "../../provisioning/provision";
import { SecretsManagerStore } from "../secrets-manager-store";
import type { Task } from "../task";
import { type Context, withinTime } from "./deadline";
import { createSecretsClient, provisionIt, readMaster, serverOf } from "./task";

/** The event that CDK's provider framework passes to the function. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html */
export interface ResourceEvent {
  readonly RequestType: "Create" | "Update" | "Delete";
  readonly PhysicalResourceId?: string;
  /** The tenants as JSON: CloudFormation would convert their numbers to strings. */
  readonly ResourceProperties: Omit<Task, "tenants"> & {
    readonly tenants: string;
    /** Command that restarts the instance, for a person; left out for an existing database. */
    readonly restart?: string;
  };
}

/** Always the same, so that CloudFormation never treats an update as a replacement. */
const RESOURCE_ID = "provisioning";

/** Provisions an instance when CloudFormation creates or changes its custom resource. Deleting the resource deletes nothing: data outlives stacks. */
export async function handler(event: ResourceEvent, context: Context): Promise<{ readonly PhysicalResourceId: string }> {
  const done = { PhysicalResourceId: event.PhysicalResourceId ?? RESOURCE_ID };
  if (event.RequestType === "Delete") return done;
  const task: Task = { ...event.ResourceProperties, tenants: JSON.parse(event.ResourceProperties.tenants) as Task["tenants"] };
  return withinTime(context, async (patience) => {
    const client = createSecretsClient(patience);
    const server = serverOf(task, task.ca ?? null);
    const master = await readMaster(client, task, server);
    const store = new SecretsManagerStore(client, task.secrets);
    const work = { environment: task.environment, instance: { tenants: task.tenants } };
    const { changes, unsound } = await provision(work, {
      server,
      master,
      store,
      patience,
      provision: provisionIt(task),
      restart: event.ResourceProperties.restart,
    });
    for (const { why } of changes) console.log(why);
    for (const problem of unsound) console.warn(problem);
    return done;
  });
}
