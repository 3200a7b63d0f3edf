import { findFlag, IAM_FLAG } from "../../constructs/gcp/flags";
import { isSharedCore, sizeOfTier } from "../../constructs/gcp/tier-names";
import type { MajorVersion } from "../../constructs/model/instance";
import { toWrittenValue } from "../../constructs/model/parameters";
import type { Facts, Scalar } from "../plan/facts";

/** A resource of a state, or of a program. */
export interface Described {
  readonly urn: string;
  readonly type: string;
  /** URN of the component that it is part of. */
  readonly parent: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export const INSTANCE = "gcp:sql/databaseInstance:DatabaseInstance";

/** The properties of an instance that this project sets. https://www.pulumi.com/registry/packages/gcp/api-docs/sql/databaseinstance/ */
export interface InstanceInputs {
  readonly name?: string;
  readonly databaseVersion: string;
  readonly region: string;
  readonly project: string;
  readonly encryptionKeyName?: string;
  readonly deletionProtection?: boolean;
  readonly instanceType?: string;
  readonly settings: {
    readonly tier: string;
    readonly edition?: string;
    readonly diskType?: string;
    readonly diskSize?: number;
    readonly diskAutoresize?: boolean;
    readonly diskAutoresizeLimit?: number;
    readonly dataDiskProvisionedIops?: number;
    readonly dataDiskProvisionedThroughput?: number;
    readonly availabilityType?: string;
    readonly deletionProtectionEnabled?: boolean;
    readonly databaseFlags?: readonly { readonly name: string; readonly value: string }[];
    readonly locationPreference?: { readonly zone?: string };
    readonly maintenanceWindow?: { readonly day: number; readonly hour: number };
    readonly denyMaintenancePeriod?: { readonly startDate: string; readonly endDate: string };
    readonly backupConfiguration?: {
      readonly enabled: boolean;
      readonly startTime?: string;
      readonly location?: string;
      readonly pointInTimeRecoveryEnabled?: boolean;
      readonly transactionLogRetentionDays?: number;
      readonly backupRetentionSettings?: { readonly retainedBackups: number };
    };
    readonly ipConfiguration?: { readonly privateNetwork?: string; readonly allocatedIpRange?: string; readonly serverCaPool?: string };
  };
}

export const inputsOf = ({ inputs }: Pick<Described, "inputs">): InstanceInputs => inputs as unknown as InstanceInputs;

/** A read replica has no data that its primary does not have. */
export const isReplica = ({ inputs }: Pick<Described, "inputs">): boolean => inputs.instanceType === "READ_REPLICA_INSTANCE";

/** Name of the instance that a server belongs to: that of its component. */
export const instanceOf = ({ parent }: Pick<Described, "parent">): string => parent.split("::").at(-1) ?? "";

/** The region of a state's instances, which all have the same one; null if there are none. */
export const regionOf = (resources: readonly Described[]): string | null =>
  resources.filter(({ type }) => type === INSTANCE).map((server) => inputsOf(server).region)[0] ?? null;

/** Reads facts of instances from a state or a program, in the spec's words. */
export function gcpFacts(resources: readonly Described[]): Readonly<Record<string, Facts>> {
  const servers = resources.filter(({ type }) => type === INSTANCE);
  return Object.fromEntries(
    servers
      .filter((server) => !isReplica(server))
      .map((primary) => {
        const replicas = servers.filter((server) => isReplica(server) && server.parent === primary.parent);
        return [instanceOf(primary), { ...toFacts(inputsOf(primary), replicas.length), "own.name": writtenName(primary) }];
      }),
  );
}

/** Null if Pulumi chose the name, which ends in seven digits in a state. */
function writtenName({ urn, inputs: { name } }: Described): string | null {
  const made = new RegExp(`^${urn.split("::").at(-1)}-[0-9a-f]{7}$`);
  return typeof name !== "string" || made.test(name) ? null : name;
}

function toFacts({ settings, ...inputs }: InstanceInputs, readReplicas: number): Facts {
  const majorVersion = Number(inputs.databaseVersion.replace("POSTGRES_", ""));
  const flags = (settings.databaseFlags ?? []).filter(({ name }) => name !== IAM_FLAG);
  return {
    majorVersion,
    size: showTier(settings.tier),
    "real.machine": settings.tier,
    storageGib: settings.diskSize ?? null,
    maxStorageGib: settings.diskAutoresize === false ? null : (settings.diskAutoresizeLimit ?? null),
    iops: settings.dataDiskProvisionedIops ?? null,
    throughputMibps: settings.dataDiskProvisionedThroughput ?? null,
    highAvailability: settings.availabilityType === "REGIONAL",
    readReplicas,
    ...backupsOf(settings, inputs.region),
    maintenanceWindow: showWindow(settings.maintenanceWindow),
    iamAuthentication: settings.databaseFlags?.some(({ name, value }) => name === IAM_FLAG && value === "on") ?? false,
    deletionProtection: (inputs.deletionProtection ?? false) && (settings.deletionProtectionEnabled ?? false),
    ...Object.fromEntries(flags.map(({ name, value }) => [`parameters.${name}`, showFlag(name, value, majorVersion as MajorVersion)])),
    "own.zone": settings.locationPreference?.zone ?? null,
    "section.project": inputs.project,
    "section.region": inputs.region,
    "section.edition": settings.edition ?? null,
    "section.disk": settings.diskType ?? null,
    "section.encryptionKey": inputs.encryptionKeyName ?? null,
    "section.network": settings.ipConfiguration?.privateNetwork ?? null,
    "section.serverCaPool": settings.ipConfiguration?.serverCaPool ?? null,
    "section.denyMaintenance": showDeny(settings.denyMaintenancePeriod),
  };
}

function showTier(tier: string): string {
  const { vcpus, memoryGib } = sizeOfTier(tier);
  return `${tier} (${isSharedCore(tier) ? "a shared vCPU" : `${vcpus} vCPU${vcpus === 1 ? "" : "s"}`}, ${memoryGib} GiB)`;
}

function backupsOf({ backupConfiguration: backups }: InstanceInputs["settings"], region: string): Facts {
  if (backups?.enabled !== true) return { backupRetentionDays: 0, pointInTimeRecovery: false };
  const kept = backups.backupRetentionSettings?.retainedBackups;
  return {
    // One more backup is kept than there are days, because a recovery starts from the backup before.
    ...(kept === undefined ? {} : { backupRetentionDays: kept - 1 }),
    pointInTimeRecovery: backups.pointInTimeRecoveryEnabled === true,
    "real.recoveryDays": backups.pointInTimeRecoveryEnabled === true ? (backups.transactionLogRetentionDays ?? null) : 0,
    backupWindow: backups.startTime ?? null,
    "backupReplication.region": backups.location === region ? null : (backups.location ?? null),
  };
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const showWindow = (window: InstanceInputs["settings"]["maintenanceWindow"]): Scalar =>
  window === undefined ? null : `${DAYS[window.day - 1]}:${String(window.hour).padStart(2, "0")}:00`;

const showDeny = (period: InstanceInputs["settings"]["denyMaintenancePeriod"]): Scalar =>
  period === undefined ? null : `${toWrittenDate(period.startDate)} to ${toWrittenDate(period.endDate)}`;

/** Formats `2027-1-5` as in a spec. */
const toWrittenDate = (date: string): string => date.replaceAll(/\b\d\b/g, "0$&");

function showFlag(name: string, value: string, majorVersion: MajorVersion): string {
  const parameter = findFlag(name, majorVersion);
  return parameter === null ? value : toWrittenValue(parameter, value);
}
