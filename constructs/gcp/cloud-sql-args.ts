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

/** What stands in a spec's section `gcp`, each with its default. */
type SectionArgs = Pick<Written<typeof gcpFields>, "edition" | "disk" | "denyMaintenance">;

export interface CloudSqlPostgresArgs extends SectionArgs {
  /**
   * Network with private services access: `network.id` of a `gcp.compute.Network`, `projects/P/global/networks/NAME`, or a name. Clusters in it
   * reach the instance.
   */
  readonly network: pulumi.Input<string>;
  /**
   * Size, disk, backups, version and flags: the settings of `instances.<name>` and `gcp.instances.<name>` of a spec, checked by the same rules.
   *
   * @defaultValue `{}`: PostgreSQL 17, 2 vCPUs, 8 GiB, a disk of 100 GiB, a standby, backups of 7 days
   */
  readonly settings?: CloudSqlSpec;
  /** @defaultValue the stack's `gcp:project` */
  readonly project?: string;
  /** @defaultValue the stack's `gcp:region` */
  readonly region?: string;
  /**
   * Name of the environment: it stands in the names of secrets and of the DNS zone, and marks the roles in the database.
   *
   * @defaultValue `<project>-<stack>`, as Pulumi names them
   */
  readonly environment?: string;
  /** Name of the instance in the environment. @defaultValue the component's name */
  readonly instance?: string;
  /** Cloud KMS key that encrypts the instance and its secrets, such as `key.id`. @defaultValue Google's */
  readonly encryptionKey?: pulumi.Input<string> | null;
  /** Pool that signs its certificate (`projects/P/locations/L/caPools/POOL`). @defaultValue Google's authority for this instance */
  readonly serverCaPool?: string | null;
  /** Range that its address is taken from, by its name. @defaultValue Google chooses */
  readonly allocatedRange?: string | null;
  /** @defaultValue `{ environment }` */
  readonly labels?: Readonly<Record<string, string>>;
  /** What must be there first, such as the network's private services access. @defaultValue `[]` */
  readonly after?: readonly pulumi.Resource[];
  /** Reasons for what rules would refuse without one: rule id to reason. @defaultValue `{}` */
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
  /** Name of the range that its address is taken from; null leaves the choice to Google. */
  readonly allocatedRange: string | null;
  /** Its tier, for a size that no other one of the edition and the disk has; null takes that of the size. */
  readonly tier: string | null;
  /** Zone of the primary; null leaves the choice to Google. */
  readonly zone: string | null;
  /** Its name in Cloud SQL; null takes one that is never taken. */
  readonly chosenName: string | null;
  readonly edition: GcpSettings["edition"];
  readonly disk: GcpSettings["disk"];
  /** Cloud KMS key that encrypts it, and its master's secret; null leaves that to Google's. */
  readonly encryptionKey: pulumi.Input<string> | null;
  /** Pool that signs its certificate; null takes Google's authority for this instance. */
  readonly serverCaPool: string | null;
  /** Days without maintenance, as `yyyy-mm-dd`, or `mm-dd` for every year. */
  readonly denyMaintenance: { readonly from: string; readonly to: string } | null;
  readonly labels: Readonly<Record<string, string>>;
  /** What must be there first: the network's private services access. Nothing in an instance names it. */
  readonly after: readonly pulumi.Resource[];
  /** Rules of which it was excepted, with reasons. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** A number that only names principals, where nothing does: rules read its form alone. */
const NO_PROJECT_NUMBER = "123456789012";

/** Name of the environment where none is given: Pulumi's project and stack. @throws UserError if it cannot be one. */
export function environmentOf(): string {
  const name = `${pulumi.getProject()}-${pulumi.getStack()}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  if (!NAME.pattern.test(name))
    throw new UserError(`environment: is required, because ${name} is not a valid environment name; write ${NAME.form}`);
  return name;
}

/** The project and region of a component. @throws UserError if neither it nor the stack names one. */
export function placeOf(args: { readonly project?: string; readonly region?: string }): {
  readonly project: string;
  readonly region: string;
} {
  const place = { project: args.project ?? config.project, region: args.region ?? config.region };
  for (const [key, value] of Object.entries(place))
    if (!value) throw new UserError(`${key}: is required; write it, or set gcp:${key} in the configuration of the stack`);
  return place as { readonly project: string; readonly region: string };
}

/** Beginnings of the paths of a spec's instance and section, and what a component's caller knows them as. */
export const pathsOf = (instance: string) => ({
  [`gcp.instances.${instance}`]: "settings",
  [`instances.${instance}`]: "settings",
  "gcp.": "",
  name: "environment",
});

/**
 * Checks one instance by the rules of a spec, and completes it with the spec's defaults.
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

/** `projects/P/global/networks/NAME`, also if the network is an output that is not known yet. */
const toNetwork = (network: pulumi.Input<string>, project: string): pulumi.Input<string> =>
  typeof network === "string" ? wholeNetwork(network, project) : network;
