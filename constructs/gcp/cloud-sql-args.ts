import * as config from "@pulumi/gcp/config";
import * as pulumi from "@pulumi/pulumi";
import { UserError } from "../model/errors";
import type { Written } from "../model/fields";
import type { InstanceSettings, InstanceSpec } from "../model/instance";
import { NAME } from "../model/names";
import { ownInstance } from "../model/own-instance";
import { withRenamedPaths } from "../model/renamed-paths";
import { resolveUnknown } from "../model/resolve";
import type { ResolvedInstance } from "../model/spec";
import { wholeNetwork } from "./names";
import type { GcpSettings, gcpFields } from "./section";
import { gcp } from "./target";

/** What a person writes of one instance: every setting of `instances.<name>`, and `tier`, `zone` and `name` of `gcp.instances.<name>`. */
export type CloudSqlSpec = Omit<InstanceSpec, "existing"> & Written<(typeof gcpFields)["instances"]["own"]["fields"]>;

/** Settings of a spec's section `gcp`, each with its default. */
type SectionArgs = Pick<Written<typeof gcpFields>, "edition" | "disk" | "denyMaintenance">;

export interface CloudSqlPostgresArgs extends SectionArgs {
  /**
   * Network with private services access: `network.id` of a `gcp.compute.Network`, `projects/P/global/networks/NAME`, or a name. Clusters in it
   * reach the instance.
   */
  readonly network: pulumi.Input<string>;
  /**
   * Size, disk, backups, version and flags: the settings of `instances.<name>` and `gcp.instances.<name>` of a spec, checked with the same rules.
   *
   * @defaultValue `{}`: PostgreSQL 17, 2 vCPUs, 8 GiB, a disk of 100 GiB, a standby, backups of 7 days
   */
  readonly settings?: CloudSqlSpec;
  /** @defaultValue the stack's `gcp:project` */
  readonly project?: string;
  /** @defaultValue the stack's `gcp:region` */
  readonly region?: string;
  /**
   * Name of the environment. The names of secrets and of the DNS zone contain it, and it marks the roles in the database.
   *
   * @defaultValue `<project>-<stack>`, as Pulumi names them
   */
  readonly environment?: string;
  /** Name of the instance in the environment. @defaultValue the component's name */
  readonly instance?: string;
  /** Cloud KMS key that encrypts the instance and its secrets, such as `key.id`. @defaultValue Google's */
  readonly encryptionKey?: pulumi.Input<string> | null;
  /** CA pool that signs its certificate (`projects/P/locations/L/caPools/POOL`). @defaultValue Google's CA for this instance */
  readonly serverCaPool?: string | null;
  /** Name of the range for its address. @defaultValue Google chooses */
  readonly allocatedRange?: string | null;
  /** @defaultValue `{ environment }` */
  readonly labels?: Readonly<Record<string, string>>;
  /** Resources that must exist first, such as the network's private services access. @defaultValue `[]` */
  readonly after?: readonly pulumi.Resource[];
  /** Reasons for settings that rules would otherwise reject, by rule ID. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** An instance that a spec described, checked and complete. */
export interface ResolvedCloudSqlArgs {
  /** Name of the environment, and of the instance in it. */
  readonly environment: string;
  readonly instance: string;
  readonly settings: InstanceSettings;
  readonly maxConnections: number;
  readonly project: string;
  readonly region: string;
  /** `projects/P/global/networks/NAME`. */
  readonly network: pulumi.Input<string>;
  /** Name of the range for its address; null lets Google choose. */
  readonly allocatedRange: string | null;
  /** Its tier; null derives it from the size. */
  readonly tier: string | null;
  /** Zone of the primary; null lets Google choose. */
  readonly zone: string | null;
  /** Its name in Cloud SQL; null generates a unique one. */
  readonly chosenName: string | null;
  readonly edition: GcpSettings["edition"];
  readonly disk: GcpSettings["disk"];
  /** Cloud KMS key that encrypts it and its master's secret; null uses Google's keys. */
  readonly encryptionKey: pulumi.Input<string> | null;
  /** CA pool that signs its certificate; null uses Google's CA for this instance. */
  readonly serverCaPool: string | null;
  /** Days without maintenance, as `yyyy-mm-dd`, or `mm-dd` for every year. */
  readonly denyMaintenance: { readonly from: string; readonly to: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Resources that must exist first: the network's private services access, which an instance does not reference. */
  readonly after: readonly pulumi.Resource[];
  /** Acknowledged rules, with reasons. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** A placeholder project number: rules check only its form. */
const NO_PROJECT_NUMBER = "123456789012";

/** Returns the default name of the environment, from Pulumi's project and stack. @throws UserError if that is not a valid name. */
export function environmentOf(): string {
  const name = `${pulumi.getProject()}-${pulumi.getStack()}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  if (!NAME.pattern.test(name))
    throw new UserError(`environment: is required, because ${name} is not a valid environment name; write ${NAME.form}`);
  return name;
}

/** Returns the project and region of a component. @throws UserError if neither it nor the stack names them. */
export function placeOf(args: { readonly project?: string; readonly region?: string }): {
  readonly project: string;
  readonly region: string;
} {
  const place = { project: args.project ?? config.project, region: args.region ?? config.region };
  for (const [key, value] of Object.entries(place))
    if (!value) throw new UserError(`${key}: is required; write it, or set gcp:${key} in the configuration of the stack`);
  return place as { readonly project: string; readonly region: string };
}

/** Prefixes of the paths of a spec's instance and section, and the names that a component's caller knows. */
export const pathsOf = (instance: string) => ({
  [`gcp.instances.${instance}`]: "settings",
  [`instances.${instance}`]: "settings",
  "gcp.": "",
  name: "environment",
});

/**
 * Checks one instance with the rules of a spec, and completes it with the spec's defaults.
 *
 * @param name of the component.
 * @throws SpecError with every violation; UserError for an existing database.
 */
export function toCloudSqlArgs(name: string, args: CloudSqlPostgresArgs): ResolvedCloudSqlArgs {
  const { settings = {}, environment = environmentOf(), instance = name, edition, disk, denyMaintenance, acknowledge = {} } = args;
  if ((settings as InstanceSpec).existing != null)
    throw new UserError("settings.existing: describes an existing database; use CloudSqlPostgres.fromDatabaseInstance");
  const { project, region } = placeOf(args);
  const { network, encryptionKey = null, serverCaPool = null, allocatedRange = null } = args;
  const known = (id: pulumi.Input<string> | null) => (typeof id === "string" ? id : null);
  const section = {
    project,
    projectNumber: NO_PROJECT_NUMBER,
    region,
    network: known(network) ?? "default",
    edition,
    disk,
    denyMaintenance,
    encryptionKey: known(encryptionKey),
    serverCaPool,
    privateServicesAccess: { allocatedRange },
    instances: { [instance]: settings },
  };
  const spec = { name: environment, acknowledge, gcp: section, instances: { [instance]: {} }, platforms: {} };
  const resolved = withRenamedPaths(pathsOf(instance), () => resolveUnknown(spec, { target: gcp, platforms: {} }));
  const its = resolved.instances[instance] as ResolvedInstance;
  const { tier, zone, name: chosenName } = ownInstance(resolved, instance);
  return {
    environment,
    instance,
    settings: its.settings,
    maxConnections: its.maxConnections,
    project,
    region,
    network: toNetwork(network, project),
    allocatedRange,
    tier,
    zone,
    chosenName,
    edition: resolved.section.edition,
    disk: resolved.section.disk,
    encryptionKey,
    serverCaPool,
    denyMaintenance: resolved.section.denyMaintenance,
    labels: args.labels ?? { environment },
    after: args.after ?? [],
    acknowledge,
  };
}

/** Returns `projects/P/global/networks/NAME`, even if the network is an output that is not known yet. */
const toNetwork = (network: pulumi.Input<string>, project: string): pulumi.Input<string> =>
  typeof network === "string" ? wholeNetwork(network, project) : network;
