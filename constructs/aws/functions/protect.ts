import { ModifyDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { ProvisioningError } from "../../provisioning/errors";
import { type Context, withinTime } from "./deadline";
import { isTooEarly, makePatient, nameOf } from "./patience";

/** The event that CDK's provider framework passes to the function. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html */
export interface ProtectionEvent {
  readonly RequestType: "Create" | "Update" | "Delete";
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: {
    /** Identifiers of the instances to protect from deletion. */
    readonly protect: readonly string[];
    /** Identifiers of the instances whose deletion is allowed. */
    readonly release: readonly string[];
  };
}

/** Always the same, so that CloudFormation never treats an update as a replacement. */
const RESOURCE_ID = "deletion-protection";

/**
 * Turns the deletion protection of instances on or off. When its stack is deleted, it does nothing: the instances outlive the stack and
 * keep their protection.
 */
export async function handler(event: ProtectionEvent, context: Context): Promise<{ readonly PhysicalResourceId: string }> {
  const done = { PhysicalResourceId: event.PhysicalResourceId ?? RESOURCE_ID };
  if (event.RequestType === "Delete") return done;
  const { protect, release } = event.ResourceProperties;
  return withinTime(context, async (patience) => {
    const client = makePatient(new RDSClient({}), patience, (error) => isTooEarly(error) || isBusy(error));
    for (const identifier of protect) await setProtection(client, identifier, true);
    for (const identifier of release) await setProtection(client, identifier, false);
    return done;
  });
}

/** Whether an instance is being backed up or changed, and so accepts no other change. */
const isBusy = (error: unknown): boolean => /^InvalidDBInstanceState(Fault)?$/.test(nameOf(error));

async function setProtection(client: RDSClient, identifier: string, isOn: boolean): Promise<void> {
  // ApplyImmediately would also apply the changes that wait for the maintenance window, in the middle of the day.
  const change = { DBInstanceIdentifier: identifier, DeletionProtection: isOn };
  await client.send(new ModifyDBInstanceCommand(change)).catch((error) => {
    if (!/^DBInstanceNotFound(Fault)?$/.test(nameOf(error))) throw error;
    throw new ProvisioningError(`RDS has no instance ${identifier}; deploy the environment's database stack again`);
  });
  console.log(`deletion protection of ${identifier} is ${isOn ? "on" : "off"}`);
}
