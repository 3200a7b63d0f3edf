import * as pulumi from "@pulumi/pulumi";
import { toNamespacePolicy } from "../../kubernetes/admission-policy";
import { metadata } from "../../kubernetes/metadata";
import { idOf } from "../../model/fields";
import { mapValues } from "../../model/json";
import type { ResolvedInstance } from "../../model/spec";
import type { Wired } from "../../model/wire";
import type { Postgres } from "../cloud-sql-postgres";
import { DatabaseProvisioning } from "../database-provisioning";
import { DatabaseSecret } from "../database-secret";
import { createObject } from "../kubernetes-object";
import { provisioningAccount, provisioningNamespace, rotationCronJob } from "../names";
import { createPlatformRights } from "../platform-rights";
import { createProgram, type ProvisioningProgram } from "../provisioning-program";
import type { Database } from "./database";
import { type GcpEnvironment, isGuarded, labelsOf, partType } from "./gcp-environment";
import { clientOf, identityOf } from "./identity";
import type { RotationCronJob } from "./outputs";

type WiredPlatforms = Readonly<Record<string, Wired>>;

/** The platforms' secrets, the programs that create their databases and rotate their passwords, and permissions to read and connect. */
export class AccessComponent extends pulumi.ComponentResource {
  /** By platform. */
  readonly secrets: Readonly<Record<string, DatabaseSecret>>;
  /** By platform: resources that its pods must wait for. */
  readonly ready: Readonly<Record<string, readonly pulumi.Resource[]>>;
  /** By instance: the CronJob that rotates passwords. Empty without a cluster. */
  readonly rotation: Readonly<Record<string, RotationCronJob>>;

  constructor(
    scope: string,
    environment: GcpEnvironment,
    database: Database,
    wired: WiredPlatforms,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super(partType(scope, "Access"), "access", {}, opts);
    const own = { parent: this };
    this.secrets = Object.assign(
      {},
      ...Object.values(environment.instances).map((instance) => createSecrets(this, environment, instance, database.after)),
    );
    const { cluster } = environment.section;
    const program = cluster === null ? null : createShared(environment.name, cluster.admissionPolicy, own);
    const ready = Object.entries(environment.instances).map(([name, { tenants }]) => {
      const postgres = serverOf(database, name);
      const job = program === null ? [] : [createProvisioning(this, environment, name, postgres, this.secrets, program)];
      return mapValues(tenants, (_tenant, platform) => [
        ...job,
        ...(cluster === null ? [] : createRights(this, environment, platform, postgres, this.secrets, wired)),
      ]);
    });
    this.ready = Object.assign({}, ...ready);
    const toRotation = (_instance: unknown, name: string) => ({
      namespace: provisioningNamespace(environment.name),
      cronJob: rotationCronJob(name),
    });
    this.rotation = cluster === null ? {} : mapValues(environment.instances, toRotation);
    this.registerOutputs({});
  }
}

export function serverOf({ servers }: Database, instance: string): Postgres {
  const found = servers[instance];
  if (found === undefined) throw new TypeError(`no instance ${instance}`);
  return found;
}

/** Protected like the databases: deleting a secret loses its passwords, although another run creates new ones. */
function createSecrets(
  parent: AccessComponent,
  environment: GcpEnvironment,
  instance: ResolvedInstance,
  dependsOn: readonly pulumi.Resource[],
): Readonly<Record<string, DatabaseSecret>> {
  const { section } = environment;
  const encryptionKey = section.encryptionKey === null ? null : idOf(section.encryptionKey);
  const common = { project: idOf(section.project), region: section.region, encryptionKey, labels: labelsOf(environment) };
  const opts = { parent, protect: isGuarded(instance), dependsOn: [...dependsOn] };
  return mapValues(instance.tenants, ({ secret }) => new DatabaseSecret(secret, { ...common, secretId: secret }, opts));
}

/** Creates the provisioning namespace, its admission policy if requested, and the program in it. */
function createShared(environment: string, isProtected: boolean, opts: pulumi.CustomResourceOptions): ProvisioningProgram {
  const namespace = provisioningNamespace(environment);
  const object = { apiVersion: "v1", kind: "Namespace", metadata: metadata(namespace, null, environment) };
  const made = createObject("provisioning-namespace", object, opts);
  const policy = isProtected ? toNamespacePolicy(namespace, environment) : [];
  // Before the program, so that nobody else can have changed it.
  const guards = policy.map((each) =>
    createObject(`provisioning-${String(each.kind).toLowerCase()}`, each, { ...opts, dependsOn: [made] }),
  );
  return createProgram("program", { environment, namespace }, { ...opts, dependsOn: [made, ...guards] });
}

function createProvisioning(
  parent: AccessComponent,
  environment: GcpEnvironment,
  name: string,
  postgres: Postgres,
  all: Readonly<Record<string, DatabaseSecret>>,
  program: ProvisioningProgram,
): pulumi.Resource {
  const { settings, tenants = {} } = environment.instances[name] ?? {};
  const existing = settings?.existing ?? null;
  const { section } = environment;
  const channels = section.notificationChannels.map(idOf);
  const provisioning = new DatabaseProvisioning(
    `${name}-provisioning`,
    {
      environment: environment.name,
      instance: name,
      postgres,
      tls: { mode: "verify-full", ca: existing?.ca ?? null },
      tenants,
      kinds: mapValues(tenants, (_tenant, platform) => environment.platforms[platform]?.kind ?? platform),
      secrets: Object.fromEntries(Object.keys(tenants).flatMap((platform) => (all[platform] ? [[platform, all[platform]]] : []))),
      authProxyVersion: section.authProxyVersion,
      rotatesMaster: existing === null,
      rotationDays: section.rotationDays,
      // Without channels, nobody would be notified, and an existing database does not need the alerting API.
      alert:
        channels.length === 0 ? null : { project: idOf(section.project), notificationChannels: channels, labels: labelsOf(environment) },
      namespace: provisioningNamespace(environment.name),
      program,
      identity: clientOf(environment, provisioningNamespace(environment.name), provisioningAccount(name)),
    },
    { parent, dependsOn: [program.resource] },
  );
  return provisioning.job;
}

function createRights(
  parent: AccessComponent,
  environment: GcpEnvironment,
  platform: string,
  postgres: Postgres,
  secrets: Readonly<Record<string, DatabaseSecret>>,
  wired: WiredPlatforms,
): readonly pulumi.Resource[] {
  const { access = "direct" } = environment.platforms[platform] ?? {};
  const own = wired[platform];
  if (own === undefined) return [];
  return createPlatformRights(parent, {
    environment: environment.name,
    platform,
    wired: own,
    access,
    postgres,
    secret: secrets[platform],
    project: identityOf(environment),
    clientOf: (namespace, account) => clientOf(environment, namespace, account),
  });
}
