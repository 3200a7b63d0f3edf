import type * as pulumi from "@pulumi/pulumi";
import { reachOf, toReaching } from "../../constructs/gcp/reach";
import { mapValues } from "../../constructs/model/json";
import { type Wired, wirePlatforms } from "../../constructs/model/wire";
import { platforms as registry } from "../../constructs/platforms/registry";
import { CHECKOUT, npmCommand } from "../command-line";
import { AccessComponent, serverOf } from "./access";
import { Database } from "./database";
import { DeletionGuard } from "./deletion-guard";
import { type GcpEnvironment, isGuarded } from "./environment";
import type { Outputs } from "./outputs";
import { Platforms } from "./platforms";
import { createProviders } from "./providers";

/**
 * Everything of an environment, by how long it lives: servers for years, access as long as its platforms, releases from one version to
 * the next.
 *
 * @returns what the stack prints.
 */
export function deploy(environment: GcpEnvironment): pulumi.Inputs & { [K in keyof Outputs]: unknown } {
  const opts = { providers: [...createProviders(environment)] };
  const database = new Database(environment, opts);
  const wired = wire(environment, database);
  const access = new AccessComponent(environment, database, wired, opts);
  const platforms = environment.section.cluster?.installReleases ? [new Platforms(environment, database, access, wired, opts)] : [];
  new DeletionGuard([database, access, ...platforms], Object.values(environment.instances).some(isGuarded));
  return {
    environment: environment.name,
    instances: mapValues(database.servers, ({ host, port, ca, connectionName, reader, masterSecret }, name) => ({
      host,
      port,
      ca,
      connectionName,
      ...(reader === null ? {} : { reader: { host: reader.host, port: reader.port, connectionName: reader.connectionName } }),
      masterSecret,
      rotation: access.rotation[name] ?? null,
    })),
    platforms: mapValues(access.secrets, ({ name }) => ({ secret: name })),
    next: npmCommand("render", { environment: environment.name, cloud: "gcp", outputs: "outputs.json" }, [], CHECKOUT),
  };
}

/** The wiring of every platform, in words that are known when it is planned. */
function wire(environment: GcpEnvironment, database: Database): Readonly<Record<string, Wired>> {
  return wirePlatforms(environment, registry, (platform) =>
    reachOf(toReaching(platform), serverOf(database, platform.instance), environment.section.authProxyVersion),
  );
}
