import * as pulumi from "@pulumi/pulumi";
import { idOf } from "../../model/fields";
import { mapValues, ownEntry } from "../../model/json";
import { ownInstance } from "../../model/own-instance";
import type { ResolvedInstance } from "../../model/spec";
import { CloudSqlAlerts } from "../cloud-sql-alerts";
import { CloudSqlPostgres, type Postgres } from "../cloud-sql-postgres";
import { PrivateServicesAccess } from "../private-services-access";
import { ProjectServices } from "../project-services";
import { ServiceAgents } from "../service-agents";
import { type GcpEnvironment, labelsOf, networkOf, partType, secretName } from "./gcp-environment";

/** The servers, their masters' secrets, private services access, and alerts. No platform changes anything in it. */
export class Database extends pulumi.ComponentResource {
  /** By instance. */
  readonly servers: Readonly<Record<string, Postgres>>;
  /** Resources that all Google resources must wait for: APIs, private services access, and permission to use the environment's key. */
  readonly after: readonly pulumi.Resource[];

  constructor(scope: string, environment: GcpEnvironment, opts: pulumi.ComponentResourceOptions) {
    super(partType(scope, "Database"), "database", {}, opts);
    const { section } = environment;
    const project = idOf(section.project);
    const network = networkOf(section);
    const encryptionKey = section.encryptionKey === null ? null : idOf(section.encryptionKey);
    const { create, prefixLength } = section.privateServicesAccess;
    const makesSome = Object.values(environment.instances).some(({ settings }) => settings.existing === null);
    const apis = section.enableApis
      ? new ProjectServices("apis", { project, services: servicesOf(environment) }, { parent: this }).ready
      : [];
    const access = makesSome
      ? new PrivateServicesAccess("private-services", { network, create, prefixLength, after: apis }, { parent: this })
      : null;
    const agents = encryptionKey === null ? null : new ServiceAgents("agents", { project, encryptionKey, after: apis }, { parent: this });
    this.after = [...apis, ...(access?.ready ?? []), ...(agents?.ready ?? [])];
    this.servers = mapValues(environment.instances, (instance, name) => {
      if (instance.settings.existing !== null) return importServer(environment, name, instance.settings.existing);
      return createServer(this, environment, name, instance, { project, network, encryptionKey, after: this.after });
    });
    this.registerOutputs({});
  }
}

/** Returns the APIs that an environment uses. An existing database needs only those of the proxy and of the secrets. */
function servicesOf({ section, instances }: GcpEnvironment): readonly string[] {
  const makesSome = Object.values(instances).some(({ settings }) => settings.existing === null);
  const usesCloudSql = makesSome || section.encryptionKey !== null || Object.keys(section.existingConnections).length > 0;
  const usesAccounts = section.cluster?.serviceAccounts === "google";
  return [
    "secretmanager",
    ...(usesCloudSql ? ["sqladmin"] : []),
    ...(makesSome ? ["servicenetworking", "dns"] : []),
    ...(makesSome || section.notificationChannels.length > 0 ? ["monitoring"] : []),
    ...(usesAccounts ? ["iam", "iamcredentials"] : []),
  ];
}

function createServer(
  parent: Database,
  environment: GcpEnvironment,
  name: string,
  instance: ResolvedInstance,
  place: {
    readonly project: string;
    readonly network: string;
    readonly encryptionKey: string | null;
    readonly after: readonly pulumi.Resource[];
  },
): CloudSqlPostgres {
  const { section } = environment;
  const labels = labelsOf(environment);
  const { tier, zone, name: chosenName } = ownInstance(environment, name);
  const postgres = new CloudSqlPostgres(
    name,
    {
      ...place,
      environment: environment.name,
      instance: name,
      settings: instance.settings,
      maxConnections: instance.maxConnections,
      region: section.region,
      allocatedRange: section.privateServicesAccess.allocatedRange,
      tier,
      zone,
      chosenName,
      edition: section.edition,
      disk: section.disk,
      serverCaPool: section.serverCaPool === null ? null : idOf(section.serverCaPool),
      denyMaintenance: section.denyMaintenance,
      labels,
    },
    { parent },
  );
  const notificationChannels = section.notificationChannels.map(idOf);
  new CloudSqlAlerts(
    `${environment.name}-${name}`,
    { postgres, instance, project: place.project, notificationChannels, labels },
    { parent },
  );
  return postgres;
}

/** Imports an existing database. */
function importServer(
  { section }: GcpEnvironment,
  name: string,
  { host, port, ca, masterSecret }: NonNullable<ResolvedInstance["settings"]["existing"]>,
): Postgres {
  const connection = ownEntry(section.existingConnections, name);
  return {
    host,
    port,
    ca: pulumi.output(ca ?? ""),
    connectionName: connection === undefined ? null : pulumi.output(idOf(connection)),
    reader: null,
    masterSecret: secretName(idOf(section.project), masterSecret),
    ready: [],
  };
}
