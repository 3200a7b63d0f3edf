import type { InstanceSettings } from "../model/instance";
import { spanOf } from "../model/windows";
import { retentionOf } from "./backups";
import type { ResolvedCloudSqlArgs } from "./cloud-sql-args";
import { IAM_FLAG, toFlagValue } from "./flags";
import { seriesOf } from "./tiers";

/** Days to keep the last backup after an instance is deleted. */
const FINAL_BACKUP_DAYS = 30;
/** Query Insights: stored bytes of a query's text, and sampled plans per minute. */
const INSIGHTS = { queryStringLength: 4096, queryPlansPerMinute: 5 };

/** Returns the common settings of the primary and its replicas. @throws TypeError if no tier has the size, which the target's rules reject. */
export function toSettings({ settings, maxConnections, ...args }: ResolvedCloudSqlArgs) {
  const tier = args.tier ?? seriesOf(args).tier(settings.size);
  if (tier === null) throw new TypeError(`edition ${args.edition} with disk ${args.disk} has no tier of this size`);
  return {
    edition: args.edition,
    tier,
    diskType: args.disk,
    diskAutoresize: settings.maxStorageGib !== null,
    diskAutoresizeLimit: settings.maxStorageGib ?? undefined,
    dataDiskProvisionedIops: settings.iops ?? undefined,
    dataDiskProvisionedThroughput: settings.throughputMibps ?? undefined,
    databaseFlags: toFlags(settings, maxConnections),
    insightsConfig: { queryInsightsEnabled: true, recordApplicationTags: true, recordClientAddress: false, ...INSIGHTS },
    userLabels: args.labels,
  };
}

/** Sorts flags by name, so that a diff shows only the change. */
function toFlags({ parameters, majorVersion, iamAuthentication }: InstanceSettings, maxConnections: number) {
  const own = {
    ...parameters,
    max_connections: maxConnections,
    ...(iamAuthentication ? { [IAM_FLAG]: true } : {}),
  };
  return Object.entries(own)
    .map(([name, value]) => ({ name, value: toFlagValue(name, value, majorVersion) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Cloud SQL counts days from Monday as 1, and uses the first hour of a window. */
function toMaintenance({ maintenanceWindow }: InstanceSettings) {
  const hours = spanOf(maintenanceWindow).start / 60;
  return { day: Math.floor(hours / 24) + 1, hour: hours % 24, updateTrack: "stable" };
}

/** Formats a date as Cloud SQL returns it: `2026-1-5`. Any other form always shows a difference. https://github.com/GoogleCloudPlatform/magic-modules/pull/11277 */
const toGoogleDate = (date: string): string => date.replaceAll(/(^|-)0/g, "$1");

/** Returns the settings of only a primary: size, zone, standby, maintenance, backups, and a last backup when it is deleted. */
export function toPrimarySettings({ settings, edition, region, zone, denyMaintenance }: ResolvedCloudSqlArgs) {
  const retention = retentionOf(settings, edition);
  return {
    // A replica is created with the primary's size at that time.
    diskSize: settings.storageGib,
    locationPreference: zone === null ? undefined : { zone },
    availabilityType: settings.highAvailability ? "REGIONAL" : "ZONAL",
    backupConfiguration:
      retention === null
        ? { enabled: false, pointInTimeRecoveryEnabled: false }
        : {
            enabled: true,
            startTime: settings.backupWindow.split("-")[0],
            location: settings.backupReplication?.region ?? region,
            pointInTimeRecoveryEnabled: settings.pointInTimeRecovery,
            transactionLogRetentionDays: settings.pointInTimeRecovery ? retention.logDays : undefined,
            backupRetentionSettings: { retainedBackups: retention.backups, retentionUnit: "COUNT" },
          },
    maintenanceWindow: toMaintenance(settings),
    denyMaintenancePeriod:
      denyMaintenance === null
        ? undefined
        : { startDate: toGoogleDate(denyMaintenance.from), endDate: toGoogleDate(denyMaintenance.to), time: "00:00:00" },
    finalBackupConfig: { enabled: true, retentionDays: FINAL_BACKUP_DAYS },
    retainBackupsOnDelete: true,
  };
}

/** Always a private address and TLS. @param host the name in a certificate of the customer's CA pool; null for none. */
export function toIpConfiguration({ network, allocatedRange, serverCaPool }: ResolvedCloudSqlArgs, host: string | null) {
  const names = serverCaPool === null || host === null ? undefined : [host];
  return {
    ipv4Enabled: false,
    privateNetwork: network,
    allocatedIpRange: allocatedRange ?? undefined,
    sslMode: "ENCRYPTED_ONLY",
    serverCaMode: serverCaPool === null ? "GOOGLE_MANAGED_INTERNAL_CA" : "CUSTOMER_MANAGED_CAS_CA",
    serverCaPool: serverCaPool ?? undefined,
    customSubjectAlternativeNames: names,
  };
}
