import type { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { AccessStack, type NextCommands } from "./access-stack";
import { type AwsEnvironment, hasNetwork, isGuarded } from "./aws-environment";
import { DatabaseStack } from "./database-stack";
import type { PrivateNetwork } from "./environment-stack";
import { GuardStack } from "./guard-stack";
import { NetworkStack } from "./network-stack";
import { PlatformsStack } from "./platforms-stack";

/** The stacks of an environment; null for those that it does not need. */
export interface EnvironmentStacks {
  readonly network: NetworkStack | null;
  readonly database: DatabaseStack;
  readonly access: AccessStack;
  readonly platforms: PlatformsStack | null;
  readonly guard: GuardStack | null;
}

/**
 * Creates the stacks of an environment by lifetime: servers live for years, access as long as its platforms, releases until the next
 * version. If the environment names no network and creates instances, a network comes first; the guard comes last.
 *
 * @param scope an app, a stage, or anything in them that is not a stack.
 * @param commands that the outputs name; null for none.
 */
export function createEnvironment(scope: Construct, environment: AwsEnvironment, commands: NextCommands | null): EnvironmentStacks {
  const network = environment.section.network === null && hasNetwork(environment) ? new NetworkStack(scope, environment) : null;
  const placement = network?.placement ?? null;
  const database = new DatabaseStack(scope, environment, placement);
  const access = new AccessStack(scope, environment, placement, database, commands);
  deployAfter(access, database, "the servers come first");
  const platforms = environment.section.cluster?.installReleases ? createPlatforms(scope, environment, placement, database, access) : null;
  return { network, database, access, platforms, guard: createGuard(scope, environment, database, platforms ?? access) };
}

function createPlatforms(
  scope: Construct,
  environment: AwsEnvironment,
  placement: PrivateNetwork | null,
  database: DatabaseStack,
  access: AccessStack,
): PlatformsStack {
  const platforms = new PlatformsStack(scope, environment, placement, database.servers, access.platforms);
  deployAfter(platforms, access, "platforms start with their databases");
  return platforms;
}

function createGuard(scope: Construct, environment: AwsEnvironment, database: DatabaseStack, last: Stack): GuardStack | null {
  const created = Object.keys(database.created);
  if (created.length === 0) return null;
  const isClosed = created.some((name) => isGuarded(environment, name));
  const guard = new GuardStack(scope, { environment, lock: database.lock, isClosed });
  deployAfter(guard, last, "it guards what is there, and goes first");
  return guard;
}

type AddDependency = ((target: Stack, reason: string) => void) | undefined;

/** Uses the method's current name: newer versions of the CDK have renamed it, and warn about the old one. */
function deployAfter(stack: Stack, target: Stack, reason: string): void {
  const { addStackDependency, addDependency } = stack as unknown as Readonly<Record<"addStackDependency" | "addDependency", AddDependency>>;
  (addStackDependency ?? addDependency)?.call(stack, target, reason);
}
