import type { App } from "aws-cdk-lib";
import { AccessStack } from "./access-stack";
import { DatabaseStack } from "./database-stack";
import type { AwsEnvironment } from "./environment";
import { NetworkStack } from "./network-stack";
import { PlatformsStack } from "./platforms-stack";

/**
 * The stacks of an environment, by how long they live: servers for years, access as long as its platforms, releases from one version
 * to the next. A network comes first where the environment names none.
 */
export function createStacks(app: App, environment: AwsEnvironment): void {
  const network = environment.section.network === null ? new NetworkStack(app, environment) : null;
  const placement = network?.placement ?? null;
  const database = new DatabaseStack(app, environment, placement);
  const access = new AccessStack(app, environment, placement, database.servers);
  access.addStackDependency(database, "the servers come first");
  if (!environment.section.cluster?.installReleases) return;
  const platforms = new PlatformsStack(app, environment, placement, database.servers, access.platforms);
  platforms.addStackDependency(access, "platforms start with their databases");
}
