import { DescribeDBInstanceAutomatedBackupsCommand, DescribeDBInstancesCommand, RDSClient } from "@aws-sdk/client-rds";
import { isUnauthenticated, sayUnauthenticated } from "../../constructs/aws/secrets-manager-store";
import { onOneLine } from "../../constructs/provisioning/shown";
import { isOutOfReach } from "../../constructs/provisioning/stored-secret";
import { type Backups, type CloudView, type Machine, NO_BACKUPS, see } from "../cloud-instance";

/** Timeouts for a connection to RDS and for an answer, in milliseconds. */
const CONNECTION_TIMEOUT = 5_000;
const ANSWER_TIMEOUT = 10_000;

/** Permissions that each part of the page needs. docs/reference/permissions.md lists them. */
export const PERMISSIONS = { machine: "rds:DescribeDBInstances", backups: "rds:DescribeDBInstanceAutomatedBackups" } as const;

/** An instance of RDS by its endpoint. The endpoints of clusters and proxies have a third label with a hyphen. */
const ENDPOINT = /^([a-z][a-z0-9-]*)\.[a-z0-9]+\.([a-z]+(?:-[a-z0-9]+)+)\.rds\.amazonaws\.com(?:\.cn)?$/;

/**
 * Reads an instance of RDS with the user's own credentials.
 *
 * Sources, read 2026-12-01: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html,
 * https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstanceAutomatedBackups.html
 *
 * @returns null if the host is not an endpoint of an instance of RDS: then it sends no request.
 */
export async function describeRds(host: string): Promise<CloudView | null> {
  const [, identifier, region] = ENDPOINT.exec(host) ?? [];
  if (identifier === undefined || region === undefined) return null;
  const requestHandler = { connectionTimeout: CONNECTION_TIMEOUT, requestTimeout: ANSWER_TIMEOUT, throwOnRequestTimeout: true };
  const client = new RDSClient({ region, requestHandler, maxAttempts: 2 });
  const explained = (permission: string) => (error: unknown) => explain(error, { identifier, region, permission });
  const [machine, backups] = await Promise.all([
    see(describeMachine(client, identifier), explained(PERMISSIONS.machine)),
    see(describeBackups(client, identifier), explained(PERMISSIONS.backups)),
  ]);
  client.destroy();
  return { machine, backups };
}

async function describeMachine(client: RDSClient, identifier: string): Promise<Machine> {
  const { DBInstances: [found] = [] } = await client.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier }));
  if (found === undefined) throw Object.assign(new Error("no instance"), { name: "DBInstanceNotFound" });
  const { DBInstanceClass, AllocatedStorage, DBInstanceStatus = "unknown", AvailabilityZone, MultiAZ, SecondaryAvailabilityZone } = found;
  return {
    type: DBInstanceClass ?? "unknown",
    diskGib: AllocatedStorage ?? null,
    state: DBInstanceStatus,
    isUsable: USABLE.includes(DBInstanceStatus),
    zone: AvailabilityZone ?? null,
    standby: MultiAZ === true ? { zone: SecondaryAvailabilityZone ?? null } : null,
  };
}

/** States in which an instance is usable. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html, read 2026-12-01 */
const USABLE = ["available", "backing-up", "storage-optimization"];

async function describeBackups(client: RDSClient, identifier: string): Promise<Backups> {
  const answer = await client.send(new DescribeDBInstanceAutomatedBackupsCommand({ DBInstanceIdentifier: identifier })).catch((error) => {
    if (/^DBInstanceAutomatedBackupNotFound(Fault)?$/.test(nameOf(error))) return null;
    throw error;
  });
  // Those of a deleted instance of the same name are retained.
  const own = answer?.DBInstanceAutomatedBackups?.find(({ Status }) => Status !== "retained");
  if (own === undefined) return NO_BACKUPS;
  const { BackupRetentionPeriod: days = null, RestoreWindow: window } = own;
  return { areOn: true, days, kept: null, oldest: window?.EarliestTime ?? null, latest: window?.LatestTime ?? null };
}

const nameOf = (error: unknown): string => (error as { readonly name?: string }).name ?? "";

interface Asked {
  readonly identifier: string;
  readonly region: string;
  readonly permission: string;
}

/** Describes an error of RDS in one sentence. */
function explain(error: unknown, { identifier, region, permission }: Asked): string {
  const name = nameOf(error);
  const message = onOneLine((error as { readonly message?: string }).message ?? "");
  if (/^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized)$/.test(name))
    return `you have no permission to query RDS (${message}); grant ${permission}`;
  if (/^DBInstanceNotFound(Fault)?$/.test(name)) return `this account has no instance ${identifier} in ${region}; check AWS_PROFILE`;
  if (isUnauthenticated(name) || /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch)$/.test(name))
    return sayUnauthenticated(message);
  if (isOutOfReach(error)) return "RDS does not answer; check the network and run this again";
  return `RDS failed (${name}: ${message}); run this again`;
}
