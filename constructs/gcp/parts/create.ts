import type * as pulumi from "@pulumi/pulumi";
import { mapValues } from "../../model/json";
import { type Wired, wirePlatforms } from "../../model/wire";
import { platforms as registry } from "../../platforms/registry";
import { reachOf, toReaching } from "../reach";
import { AccessComponent, serverOf } from "./access";
import { Database } from "./database";
import { DeletionGuard } from "./deletion-guard";
import { type GcpEnvironment, isGuarded } from "./gcp-environment";
import type { Outputs } from "./outputs";
import { Platforms } from "./platforms";

/** The parts of an environment. */
export interface EnvironmentParts {
  readonly database: Database;
  readonly access: AccessComponent;
  /** By platform: its wiring. */
  readonly wired: Readonly<Record<string, Wired>>;
}

/**
 * Creates an environment by lifetime: servers live for years, access as long as its platforms, releases until the next version.
 *
 * @param scope part of the URNs of all resources. Changing it replaces them.
 */
export function createEnvironment(
  environment: GcpEnvironment,
  scope: string,
  { parent, providers }: Pick<pulumi.ComponentResourceOptions, "parent" | "providers">,
): EnvironmentParts {
  const opts = { parent, providers };
  const database = new Database(scope, environment, opts);
  const wired = wire(environment, database);
  const access = new AccessComponent(scope, environment, database, wired, opts);
  const platforms = environment.section.cluster?.installReleases ? [new Platforms(scope, environment, database, access, wired, opts)] : [];
  new DeletionGuard(scope, [database, access, ...platforms], Object.values(environment.instances).some(isGuarded), { parent });
  return { database, access, wired };
}

/** Returns the outputs of an environment. */
export const outputsOf = ({ name }: GcpEnvironment, { database, access }: EnvironmentParts) =>
  ({
    environment: name,
    instances: mapValues(database.servers, ({ host, port, ca, connectionName, reader, masterSecret }, instance) => ({
      host,
      port,
      ca,
      connectionName,
      ...(reader === null ? {} : { reader: { host: reader.host, port: reader.port, connectionName: reader.connectionName } }),
      masterSecret,
      rotation: access.rotation[instance] ?? null,
    })),
    platforms: mapValues(access.secrets, (secret) => ({ secret: secret.name })),
  }) satisfies { readonly [K in keyof Outputs]: unknown };

/** Returns the wiring of every platform, without deploy-time values. */
function wire(environment: GcpEnvironment, database: Database): Readonly<Record<string, Wired>> {
  return wirePlatforms(environment, registry, (platform) =>
    reachOf(toReaching(platform), serverOf(database, platform.instance), environment.section.authProxyVersion),
  );
}
