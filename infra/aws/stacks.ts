import type { App } from "aws-cdk-lib";
import { AccessStack } from "./access-stack";
import { DatabaseStack } from "./database-stack";
import { type AwsEnvironment, hasNetwork, isGuarded } from "./environment";
import type { PrivateNetwork } from "./environment-stack";
import { GuardStack } from "./guard-stack";
import { NetworkStack } from "./network-stack";
import { PlatformsStack } from "./platforms-stack";

/**
 * The stacks of an environment, by how long they live: servers for years, access as long as its platforms, releases from one version
 * to the next. A network comes first where the environment names none and creates instances, and what guards all of them last.
 */
export function createStacks(app: App, environment: AwsEnvironment): void {
  const network = environment.section.network === null && hasNetwork(environment) ? new NetworkStack(app, environment) : null;
  const placement = network?.placement ?? null;
  const database = new DatabaseStack(app, environment, placement);
  const access = new AccessStack(app, environment, placement, database);
  access.addStackDependency(database, "the servers come first");
  const last = environment.section.cluster?.installReleases ? createPlatforms(app, environment, placement, database, access) : access;
  const created = Object.keys(database.created);
  if (created.length === 0) return;
  const isClosed = created.some((name) => isGuarded(environment, name));
  const guard = new GuardStack(app, { environment, lock: database.lock, isClosed });
  guard.addStackDependency(last, "it guards what is there, and goes first");
}

function createPlatforms(
  app: App,
  environment: AwsEnvironment,
  placement: PrivateNetwork | null,
  database: DatabaseStack,
  access: AccessStack,
): PlatformsStack {
  const platforms = new PlatformsStack(app, environment, placement, database.servers, access.platforms);
  platforms.addStackDependency(access, "platforms start with their databases");
  return platforms;
}
