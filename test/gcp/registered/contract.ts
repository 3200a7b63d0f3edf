import { describe } from "vitest";
import type { NamedSpec } from "../../../infra/spec";
import { neutralFields } from "../../contract/neutral-fields";
import { type Observed, targetContract } from "../../contract/target";
import { existingGcp, minimalGcp, SECTION } from "../../fixtures/gcp";
import { ofType, one, registrationsOf } from "../../fixtures/registrations";

/** The inputs that are looked at. */
interface InstanceInputs {
  readonly databaseVersion: string;
  readonly deletionProtection: boolean;
  readonly settings: {
    readonly availabilityType: string;
    readonly diskSize: number;
    readonly diskAutoresize: boolean;
    readonly diskAutoresizeLimit?: number;
    readonly deletionProtectionEnabled: boolean;
    readonly backupConfiguration: {
      readonly enabled: boolean;
      readonly location?: string;
      readonly backupRetentionSettings?: { readonly retainedBackups: number; readonly retentionUnit: string };
    };
    readonly finalBackupConfig: { readonly enabled: boolean };
    readonly retainBackupsOnDelete: boolean;
    readonly maintenanceWindow: { readonly day: number; readonly hour: number };
    readonly databaseFlags: readonly { readonly name: string; readonly value: string }[];
    readonly ipConfiguration: { readonly ipv4Enabled: boolean; readonly sslMode: string };
    readonly userLabels: Readonly<Record<string, string>>;
  };
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const hour = (value: number) => `${String(value % 24).padStart(2, "0")}:00`;

/** The hour that Cloud SQL takes, as a window. */
const windowOf = ({ day, hour: start }: InstanceInputs["settings"]["maintenanceWindow"]): string =>
  `${DAYS[day - 1]}:${hour(start)}-${DAYS[(day - 1 + Math.floor((start + 1) / 24)) % 7]}:${hour(start + 1)}`;

/** What Pulumi is told, in words of no cloud. */
async function observe(spec: Omit<NamedSpec, "gcp">, parameters: readonly string[]): Promise<Observed> {
  const registrations = await registrationsOf({ ...spec, gcp: SECTION });
  const instance = one(registrations, "DatabaseInstance", /main$/);
  const { databaseVersion, deletionProtection, settings } = instance.inputs as unknown as InstanceInputs;
  const { backupConfiguration: backups } = settings;
  const flags = Object.fromEntries(settings.databaseFlags.map(({ name, value }) => [name, value]));
  const isGuarded = [deletionProtection, settings.deletionProtectionEnabled, instance.protect];
  return {
    majorVersion: Number(databaseVersion.replace("POSTGRES_", "")),
    highAvailability: settings.availabilityType === "REGIONAL",
    readReplicas: ofType(registrations, "DatabaseInstance").length - 1,
    storageGib: settings.diskSize,
    maxStorageGib: settings.diskAutoresize ? (settings.diskAutoresizeLimit ?? Number.POSITIVE_INFINITY) : null,
    // A count: one is made each day, and one more begins the oldest day.
    backupRetentionDays: backups.enabled ? (backups.backupRetentionSettings?.retainedBackups ?? 0) - 1 : 0,
    maintenanceWindow: windowOf(settings.maintenanceWindow),
    backupReplication: backups.enabled && backups.location !== SECTION.region ? (backups.location ?? "") : null,
    plainTextRefused: settings.ipConfiguration.sslMode === "ENCRYPTED_ONLY",
    publicAddress: settings.ipConfiguration.ipv4Enabled,
    iamAuthentication: flags["cloudsql.iam_authentication"] === "on",
    deletionProtection: isGuarded.every(Boolean) || (isGuarded.some(Boolean) ? undefined : false),
    outlivesDeployment: settings.finalBackupConfig.enabled && settings.retainBackupsOnDelete,
    maxConnections: Number(flags.max_connections),
    parameters: Object.fromEntries(parameters.map((name) => [name, flags[name] ?? ""])),
    labels: settings.userLabels,
    secrets: ofType(registrations, "Secret")
      .map(({ name }) => name.split("--"))
      .flatMap(([, platform = "", ...more]) => (more.length === 0 ? [platform] : []))
      .sort(),
  };
}

describe("Cloud SQL", () => {
  neutralFields({
    column: "Google Cloud",
    base: { size: { vcpus: 2, memoryGib: 16 }, storageGib: 400 },
    own: {
      backupReplication: { backupReplication: { region: "europe-west1" } },
      existing: { existing: existingGcp.instances.main?.existing },
    },
    observe: async (main) => {
      const gcp = {
        ...SECTION,
        edition: "ENTERPRISE_PLUS",
        disk: "HYPERDISK_BALANCED",
      } as const;
      const registrations = await registrationsOf({ ...minimalGcp, gcp, instances: { main } });
      return JSON.stringify(registrations.resources);
    },
  });
});

describe("Cloud SQL keeps what a spec promises", () => {
  targetContract({
    observe,
    exceptions: {
      backupWindow:
        "Cloud SQL takes the hour that a backup may begin at, and begins within four hours of it; the test of it is in database.ts",
      encryptedAtRest: "Cloud SQL always encrypts; nothing that is sent could change it",
      allowedSources: "at a private address Cloud SQL is reached by its whole network; resolve warns of it",
    },
  });
});
