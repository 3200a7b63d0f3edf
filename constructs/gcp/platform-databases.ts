import * as pulumi from "@pulumi/pulumi";
import type { Violation } from "../model/errors";
import { mapValues } from "../model/json";
import { withRenamedPaths } from "../model/renamed-paths";
import { resolveUnknown } from "../model/resolve";
import type { CoreSpec, Environment, Exact, ExactPlatforms } from "../model/spec";
import { type Wired, wirePlatforms } from "../model/wire";
import { platforms as registry } from "../platforms/registry";
import { AUTH_PROXY_VERSION } from "./auth-proxy";
import { clientIdentity } from "./client-identity";
import { pathsOf } from "./cloud-sql-args";
import type { PlacedPostgres } from "./cloud-sql-postgres";
import { DatabaseProvisioning } from "./database-provisioning";
import { DatabaseSecret } from "./database-secret";
import type { PlatformRelease } from "./platform-releases";
import { createPlatformRights } from "./platform-rights";
import { reachOf, toReaching } from "./reach";
import { gcp } from "./target";

/** Platforms, as a spec has them: `{ mlflow: { workers: 4 } }`. */
type PlatformsSpec = CoreSpec<typeof registry>["platforms"];
type OfKinds<S> = ExactPlatforms<typeof registry, { readonly platforms: S }> extends { readonly platforms: infer E } ? E : unknown;

export interface PlatformDatabasesArgs<S extends PlatformsSpec = PlatformsSpec> {
  /** A `CloudSqlPostgres`, or what `CloudSqlPostgres.fromDatabaseInstance` returned. */
  readonly postgres: PlacedPostgres;
  /** The platforms and their settings, as in a spec, checked by the same rules: `{ mlflow: {} }`. */
  readonly platforms: S & Exact<S, PlatformsSpec> & OfKinds<S>;
  /** Number of the project of the server and the cluster: `gcloud projects describe PROJECT`. */
  readonly projectNumber: string;
  /** Version of the Cloud SQL Auth Proxy. @defaultValue `"2.28.0"` */
  readonly authProxyVersion?: string;
  /** Days after which a password is rotated. @defaultValue `30` */
  readonly rotationDays?: number;
  /** Who is notified of failed rotations: `projects/P/notificationChannels/N`. @defaultValue `[]` */
  readonly notificationChannels?: readonly string[];
  /** Reasons for settings that rules would otherwise reject, by rule ID. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/**
 * Databases, logins, secrets and their rotation for platforms on one server, and the permissions of their pods. A Job in the cluster of the
 * Kubernetes provider creates them, in the namespace `postgres-<environment>`. Deleting it deletes no database.
 *
 * @throws SpecError with all errors in the platforms, and everything that does not fit the server.
 */
export class PlatformDatabases<S extends PlatformsSpec = PlatformsSpec> extends pulumi.ComponentResource {
  /** By platform: the secret with its current login, in JSON with `username` and `password`. */
  readonly secrets: Readonly<Record<keyof S & string, DatabaseSecret>>;
  /** By platform: its connection, and the values for its chart. */
  readonly wired: Readonly<Record<keyof S & string, Wired>>;
  /** By platform, for `PlatformReleases`. */
  readonly releases: Readonly<Record<keyof S & string, PlatformRelease>>;
  /** Add dependencies on them to everything that logs in: the Job that creates databases, and the permissions of pods. */
  readonly ready: readonly pulumi.Resource[];
  readonly provisioning: DatabaseProvisioning;
  /** Findings that are allowed but worth knowing. */
  readonly warnings: readonly Violation[];

  constructor(name: string, args: PlatformDatabasesArgs<S>, opts: pulumi.ComponentResourceOptions = {}) {
    const resolved = resolvePlatforms(args);
    super("platform-postgres:gcp:PlatformDatabases", name, {}, opts);
    const { postgres, projectNumber, authProxyVersion = AUTH_PROXY_VERSION, rotationDays, notificationChannels = [] } = args;
    const { environment, project, region, encryptionKey, labels } = postgres;
    this.warnings = resolved.warnings;
    const tenants = resolved.instances[postgres.instance]?.tenants ?? {};
    const common = { project, region, encryptionKey, labels };
    const secrets = mapValues(tenants, ({ secret }) => new DatabaseSecret(secret, { ...common, secretId: secret }, { parent: this }));
    this.provisioning = new DatabaseProvisioning(
      `${name}-provisioning`,
      {
        postgres,
        tenants,
        secrets,
        projectNumber,
        authProxyVersion,
        rotationDays,
        kinds: mapValues(tenants, (_tenant, platform) => resolved.platforms[platform]?.kind ?? platform),
        alert: notificationChannels.length === 0 ? null : { project, notificationChannels, labels },
      },
      { parent: this },
    );
    const wired = wirePlatforms(resolved, registry, (platform) => reachOf(toReaching(platform), postgres, authProxyVersion));
    const identities = { project, projectNumber };
    const rights = Object.entries(wired).flatMap(([platform, each]) =>
      createPlatformRights(this, {
        environment,
        platform,
        wired: each,
        access: resolved.platforms[platform]?.access ?? "direct",
        postgres,
        secret: secrets[platform],
        project: identities,
        clientOf: (namespace, account) => clientIdentity(identities, "direct", environment, namespace, account),
      }),
    );
    this.ready = [this.provisioning.job, ...rights];
    const { connectionName, reader } = postgres;
    const instances = connectionName === null ? null : { primary: connectionName, reader: reader?.connectionName ?? null };
    const releases = mapValues(wired, (each, platform): PlatformRelease => {
      const { access = "direct", readerPeak = 0 } = resolved.platforms[platform] ?? {};
      const proxied = instances === null || readerPeak > 0 ? instances : { ...instances, reader: null };
      return { wired: each, access, secretId: secrets[platform]?.secretId ?? "", ca: postgres.ca, instances: proxied, after: this.ready };
    });
    this.releases = releases as typeof this.releases;
    this.secrets = secrets as typeof this.secrets;
    this.wired = wired as typeof this.wired;
    this.registerOutputs({ environment });
  }
}

type Given = Omit<PlatformDatabasesArgs, "platforms"> & { readonly platforms: object };

function resolvePlatforms({ postgres, platforms, projectNumber, acknowledge = {} }: Given): Environment {
  const { environment: name, instance, project, region } = postgres;
  // Nothing here depends on the network, and only the cluster's project is used.
  const around = { project, projectNumber, region, network: "default", cluster: { name: "cluster", location: region } };
  const acknowledged = { ...postgres.acknowledge, ...acknowledge };
  const spec = { name, acknowledge: acknowledged, gcp: { ...around, ...postgres.toSection() }, instances: { [instance]: {} }, platforms };
  return withRenamedPaths(pathsOf(instance), () => resolveUnknown(spec, { target: gcp, platforms: registry })) as unknown as Environment;
}
