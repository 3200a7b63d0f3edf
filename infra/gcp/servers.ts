import { retentionOf } from "../../constructs/gcp/backups";
import { hostName } from "../../constructs/gcp/names";
import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { seriesOf } from "../../constructs/gcp/tiers";
import { idOf } from "../../constructs/model/fields";
import { ownInstance } from "../../constructs/model/own-instance";
import type { ResolvedInstance } from "../../constructs/model/spec";
import type { PlannedServer, Used } from "../plan/servers";

/** The servers that an environment creates, by instance. */
export const gcpServers = (environment: GcpEnvironment): Readonly<Record<string, PlannedServer>> =>
  Object.fromEntries(
    Object.entries(environment.instances)
      .filter(([, { settings }]) => settings.existing === null)
      .map(([name, instance]) => [name, toServer(environment, name, instance)]),
  );

function toServer(environment: GcpEnvironment, name: string, { settings }: ResolvedInstance): PlannedServer {
  const { section } = environment;
  const tier = ownInstance(environment, name).tier ?? seriesOf(section).tier(settings.size) ?? "";
  return {
    size: { name: tier, ...settings.size },
    disk: {
      type: section.disk,
      gib: settings.storageGib,
      ceilingGib: settings.maxStorageGib,
      iops: settings.iops,
      throughputMibps: settings.throughputMibps,
    },
    recoveryDays: retentionOf(settings, section.edition)?.logDays ?? 0,
    endpoint: hostName(environment.name, name),
    key: section.encryptionKey === null ? "Google's key" : idOf(section.encryptionKey),
    guards: settings.deletionProtection
      ? ["Cloud SQL refuses to delete it", "Pulumi refuses to delete it", "a last backup is kept for 30 days after it is deleted"]
      : ["a last backup is kept for 30 days after it is deleted"],
  };
}

/** Existing resources that an environment names. */
export function gcpUses({ section, instances }: GcpEnvironment): readonly Used[] {
  const { project, network, cluster, encryptionKey, serverCaPool, notificationChannels } = section;
  return [
    { path: "gcp.project", what: "project", id: idOf(project) },
    { path: "gcp.network", what: "network", id: idOf(network) },
    ...(cluster === null ? [] : [{ path: "gcp.cluster.name", what: "GKE cluster", id: `${idOf(cluster.name)} in ${cluster.location}` }]),
    ...(encryptionKey === null ? [] : [{ path: "gcp.encryptionKey", what: "Cloud KMS key", id: idOf(encryptionKey) }]),
    ...(serverCaPool === null ? [] : [{ path: "gcp.serverCaPool", what: "CA pool", id: idOf(serverCaPool) }]),
    ...notificationChannels.map((channel, index) => ({
      path: `gcp.notificationChannels[${index}]`,
      what: "notification channel",
      id: idOf(channel),
    })),
    ...Object.entries(instances).flatMap(
      ([
        name,
        {
          settings: { existing },
        },
      ]) => (existing === null ? [] : [{ path: `instances.${name}.existing`, what: "database", id: `${existing.host}:${existing.port}` }]),
    ),
  ];
}
