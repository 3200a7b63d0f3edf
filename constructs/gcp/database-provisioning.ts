import * as pulumi from "@pulumi/pulumi";
import { annotated, metadata } from "../kubernetes/metadata";
import { toServiceAccount } from "../kubernetes/objects";
import { UserError } from "../model/errors";
import { type JsonObject, mapValues } from "../model/json";
import type { Tenant } from "../model/spec";
import { BUNDLE_FILE } from "../package/bundle";
import type { Server } from "../provisioning/connect";
import { AUTH_PROXY_VERSION, ownSidecar, PROXY_PORT } from "./auth-proxy";
import { type ClientIdentity, clientIdentity } from "./client-identity";
import { environmentOf } from "./cloud-sql-args";
import type { PlacedPostgres, Postgres } from "./cloud-sql-postgres";
import { allowSecret, type DatabaseSecret } from "./database-secret";
import { createObject } from "./kubernetes-object";
import { type LateObject, lateBound } from "./late-bound";
import { provisioningAccount, provisioningNamespace, rotationCronJob } from "./names";
import { type ProgramPod, toProgramConfigMap, toProgramCronJob, toProgramJob } from "./program-job";
import { createProgram, hashOf, type ProvisioningProgram } from "./provisioning-program";
import { createRotationAlert, type RotationAlertArgs } from "./rotation-alert";
import { ROTATION_DAYS } from "./section";
import { TASK_FILE, type Task } from "./task";
import { allowConnections, createIdentity } from "./workload-identity";

export interface DatabaseProvisioningArgs {
  readonly postgres: Postgres | PlacedPostgres;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** By platform. */
  readonly secrets: Readonly<Record<string, DatabaseSecret>>;
  /** Name of the environment, and of the instance in it. @defaultValue those of `postgres` */
  readonly environment?: string;
  readonly instance?: string;
  /**
   * How the server is verified if it is not Cloud SQL; for Cloud SQL, the Auth Proxy verifies it.
   *
   * @defaultValue `{ mode: "verify-full", ca: null }`
   */
  readonly tls?: Server["tls"];
  /** Version of the Auth Proxy. @defaultValue `"2.28.0"` */
  readonly authProxyVersion?: string;
  /** Kinds of the platforms, as keys of the registry. @defaultValue the platforms' names */
  readonly kinds?: Readonly<Record<string, string>>;
  /** Whether to rotate the master's password. @defaultValue whether this library created the server */
  readonly rotatesMaster?: boolean;
  /** Days after which a password is rotated. @defaultValue `30` */
  readonly rotationDays?: number;
  /** Who is notified of failed rotations; null for nobody. @defaultValue `null` */
  readonly alert?: Pick<RotationAlertArgs, "project" | "notificationChannels" | "labels"> | null;
  /** Namespace of provisioning. Use it for nothing else: anyone who can change its content can become the master. @defaultValue `postgres-<environment>`, which is created */
  readonly namespace?: string;
  /** The program, in the same namespace. @defaultValue one is created */
  readonly program?: ProvisioningProgram;
  /** Identity of its service account, `provisioningAccount`. @defaultValue a principal of Workload Identity in the project of `projectNumber` */
  readonly identity?: ClientIdentity;
  /** Number of the project of the server and the cluster; required without `identity`: `gcloud projects describe PROJECT`. */
  readonly projectNumber?: string;
}

/** The arguments, without defaults. */
interface ResolvedProvisioning {
  /** Name of the environment, and of the instance in it. */
  readonly environment: string;
  readonly instance: string;
  readonly postgres: Postgres;
  /** How the server is verified if it is not Cloud SQL; for Cloud SQL, the Auth Proxy verifies it. */
  readonly tls: Server["tls"];
  /** Version of the Auth Proxy. */
  readonly authProxyVersion: string;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
  /** Kinds of the platforms, as keys of the registry. */
  readonly kinds: Readonly<Record<string, string>>;
  /** By platform. */
  readonly secrets: Readonly<Record<string, DatabaseSecret>>;
  /** Whether to rotate the master's password. */
  readonly rotatesMaster: boolean;
  /** Days after which a password is rotated. */
  readonly rotationDays: number;
  /** Who is notified of failed rotations; null for nobody. */
  readonly alert: Pick<RotationAlertArgs, "project" | "notificationChannels" | "labels"> | null;
  /** Namespace of provisioning. Use it for nothing else: anyone who can change its content can become the master. */
  readonly namespace: string;
  /** The program, in the same namespace. */
  readonly program: ProvisioningProgram;
  /** Identity of its service account, `provisioningAccount`. */
  readonly identity: ClientIdentity;
}

/** Waits longer than the Job's deadline, so that the Job reports the cause; replaces a failed Job, which Pulumi would otherwise wait for again. */
const AWAITED = { "pulumi.com/timeoutSeconds": "1500", "pulumi.com/replaceUnready": "true" };
/** Hour (UTC) at which the CronJob checks passwords. */
const ROTATION_HOUR = 3;
/**
 * Creates databases, roles, grants and passwords in a Kubernetes Job, whenever the plan or the program changes, and rotates due passwords in
 * a CronJob. Deleting it deletes nothing in the databases.
 *
 * Anyone who can edit the ConfigMap, or run pods as the service account, can read the master's password: reserve the namespace for administrators.
 */
export class DatabaseProvisioning extends pulumi.ComponentResource {
  /** Add a dependency on it to everything that logs in. */
  readonly job: pulumi.Resource;

  /** @throws UserError without `identity` and `projectNumber`, or for an existing server without a name and a place. */
  constructor(name: string, given: DatabaseProvisioningArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("platform-postgres:gcp:DatabaseProvisioning", name, {}, opts);
    // The next plan creates a new Job: nothing here contains data.
    const own = { parent: this, protect: false };
    const args = complete(name, given, own);
    const { environment, namespace, program } = args;
    const serviceAccount = provisioningAccount(args.instance);
    const account = createObject(
      `${name}-account`,
      toServiceAccount(serviceAccount, namespace, environment, args.identity.annotations),
      own,
    );
    const rights = createRights(name, args, own);
    const content = JSON.stringify(toTask(args));
    const configMap = `${args.instance}-task-${hashOf(content)}`;
    const data = { [TASK_FILE]: content };
    // Has its name from when it also contained the program.
    const task = createObject(`${name}-program`, toProgramConfigMap(configMap, { namespace, instance: environment }, data), own);
    const pod = (command: string, sidecar: JsonObject | null): ProgramPod => ({
      instance: environment,
      namespace,
      serviceAccount,
      configMaps: [program.configMap, configMap],
      file: BUNDLE_FILE,
      command,
      sidecar,
    });
    // Only the proxy's instance is a deploy-time value.
    const make = (toObject: (sidecar: JsonObject | null) => JsonObject): JsonObject | LateObject => {
      const { connectionName } = args.postgres;
      if (connectionName === null) return toObject(null);
      const toSidecar = (late: { readonly connectionName: string }) => ownSidecar(late.connectionName, args.authProxyVersion);
      return lateBound((late) => [toObject(toSidecar(late))], { connectionName })[0] ?? {};
    };
    const job = make((sidecar) => toJob(args.instance, pod("provision", sidecar)));
    this.job = createObject(`${name}-job`, job, {
      ...own,
      dependsOn: [account, program.resource, task, ...rights, ...args.postgres.ready],
    });
    const cronJob = rotationCronJob(args.instance);
    const rotation = make((sidecar) => toProgramCronJob(cronJob, pod("rotate", sidecar), ROTATION_HOUR));
    createObject(`${name}-rotation`, rotation, { ...own, dependsOn: [this.job] });
    if (args.alert !== null)
      createRotationAlert(
        `${environment}-${args.instance}-rotation`,
        { ...args.alert, namespace, cronJob },
        { ...own, dependsOn: [this.job] },
      );
    this.registerOutputs({});
  }
}

/** Fills in defaults, and creates a namespace and a program if none is given. */
function complete(name: string, args: DatabaseProvisioningArgs, own: pulumi.CustomResourceOptions): ResolvedProvisioning {
  const placed: Partial<PlacedPostgres> = "toSection" in args.postgres ? args.postgres : {};
  const { environment = placed.environment ?? environmentOf(), instance = placed.instance ?? name } = args;
  const { namespace = provisioningNamespace(environment) } = args;
  return {
    ...args,
    environment,
    instance,
    tls: args.tls ?? { mode: "verify-full", ca: null },
    authProxyVersion: args.authProxyVersion ?? AUTH_PROXY_VERSION,
    kinds: args.kinds ?? mapValues(args.tenants, (_tenant, platform) => platform),
    rotatesMaster: args.rotatesMaster ?? placed.isCreated ?? false,
    rotationDays: args.rotationDays ?? ROTATION_DAYS,
    alert: args.alert ?? null,
    namespace,
    identity: args.identity ?? identityOf(args, placed, environment, namespace, instance),
    program: args.program ?? createOwnProgram(name, environment, namespace, args.namespace === undefined, own),
  };
}

function identityOf(
  { projectNumber }: DatabaseProvisioningArgs,
  { project }: Partial<PlacedPostgres>,
  environment: string,
  namespace: string,
  instance: string,
): ClientIdentity {
  if (projectNumber === undefined || project === undefined)
    throw new UserError("projectNumber: is required without identity; gcloud projects describe PROJECT prints it");
  return clientIdentity({ project, projectNumber }, "direct", environment, namespace, provisioningAccount(instance));
}

function createOwnProgram(
  name: string,
  environment: string,
  namespace: string,
  createsNamespace: boolean,
  own: pulumi.CustomResourceOptions,
): ProvisioningProgram {
  const object = { apiVersion: "v1", kind: "Namespace", metadata: metadata(namespace, null, environment) };
  const dependsOn = createsNamespace ? [createObject(`${name}-namespace`, object, own)] : [];
  return createProgram(`${name}-bundle`, { environment, namespace }, { ...own, dependsOn });
}

/** A Job's pod cannot change: its hash is in the name, so that Pulumi creates the new Job before it deletes the old one. */
function toJob(instance: string, pod: ProgramPod): JsonObject {
  const version = hashOf(JSON.stringify(pod));
  return annotated(toProgramJob(`${instance}-provision-${version}`, pod), AWAITED);
}

/** The task of the program. It contains no deploy-time values, so that a preview shows whether it changes. */
function toTask({ postgres, tls, secrets, ...args }: ResolvedProvisioning): Task {
  const server: Server =
    postgres.connectionName === null
      ? { host: postgres.host, port: postgres.port, tls }
      : { host: "127.0.0.1", port: PROXY_PORT, tls: { mode: "proxy" } };
  return {
    environment: args.environment,
    server,
    masterSecret: postgres.masterSecret,
    rotatesMaster: args.rotatesMaster,
    secrets: Object.fromEntries(Object.entries(args.tenants).map(([platform, { secret }]) => [secret, secrets[platform]?.name ?? ""])),
    tenants: args.tenants,
    rotationDays: args.rotationDays,
  };
}

/** Grants access to the instance, the master's secret and the platforms' secrets only. */
function createRights(
  name: string,
  { environment, postgres, kinds, secrets, rotatesMaster, identity }: ResolvedProvisioning,
  own: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  const { member } = identity;
  const accounts = createIdentity(`${name}-identity`, identity, environment, own);
  const opts = { ...own, dependsOn: [...accounts] };
  const connect = postgres.connectionName === null ? [] : [allowConnections(`${name}-connect`, member, postgres.connectionName, opts)];
  const platforms = Object.entries(secrets).flatMap(([platform, secret]) => {
    const its = platform === kinds[platform] ? `${name}-${platform}` : `${name}.${platform}`;
    return allowSecret(its, secret.name, member, "add", { ...opts, dependsOn: [...accounts, secret.resource] });
  });
  const after = { ...opts, dependsOn: [...accounts, ...postgres.ready] };
  return [
    ...accounts,
    ...connect,
    ...allowSecret(`${name}-master`, postgres.masterSecret, member, rotatesMaster ? "add" : "read", after),
    ...platforms,
  ];
}
