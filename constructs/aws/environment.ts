import { Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import { UserError } from "../model/errors";
import { resolveUnknown } from "../model/resolve";
import type { Exact, ExactPlatforms, SpecOn } from "../model/spec";
import type { TeamRule } from "../model/team-rule";
import { platforms } from "../platforms/registry";
import type { PlatformAccess } from "./platform-releases";
import type { IRdsPostgres } from "./rds-postgres";
import type { awsFields } from "./section";
import type { AwsEnvironment } from "./stacks/aws-environment";
import { createEnvironment, type EnvironmentStacks } from "./stacks/create";
import { aws } from "./target";

/** A spec for AWS, as a person writes it. */
export type AwsSpec = SpecOn<typeof platforms, typeof awsFields, "aws", never>;

export interface PostgresEnvironmentProps<S extends AwsSpec = AwsSpec> {
  /** The spec: `name`, `aws`, `instances` and `platforms`. The compiler rejects misspelt keys. */
  readonly spec: S & Exact<S, AwsSpec> & ExactPlatforms<typeof platforms, S>;
  /** Your team's rules, added to this project's. @defaultValue none */
  readonly rules?: readonly TeamRule[];
}

/**
 * PostgreSQL for ML platforms on AWS: servers, databases, logins, secrets, rotation, alarms, and the platforms' Helm releases, from one spec.
 *
 * Creates up to five stacks, because servers outlive databases, and databases outlive releases: `postgres-<name>-network`, `-database`,
 * `-access`, `-platforms` and `-guard`. Its scope must therefore be an app or a stage. `cdk deploy --all` deploys them in order.
 */
export class PostgresEnvironment<S extends AwsSpec = AwsSpec> extends Construct {
  /** The spec, checked and complete. */
  readonly environment: AwsEnvironment;
  /** Servers by instance. Use their connections, secrets and metrics in other stacks of the app. */
  readonly instances: Readonly<Record<string, IRdsPostgres>>;
  /** By platform: its secret, and the role that External Secrets reads it with. */
  readonly platforms: Readonly<Record<string, PlatformAccess>>;
  readonly stacks: EnvironmentStacks;

  /** @throws SpecError with all errors in the spec; UserError if the scope is in a stack, which cannot contain stacks. */
  constructor(scope: Construct, id: string, { spec, rules = [] }: PostgresEnvironmentProps<S>) {
    super(scope, id);
    const within = scope.node.scopes.find(Stack.isStack);
    if (within !== undefined)
      throw new UserError(`${id}: creates stacks, so it cannot be in the stack ${within.node.id}; create it in the app or a stage`);
    this.environment = resolveUnknown(spec, { target: aws, platforms, rules });
    this.stacks = createEnvironment(this, this.environment, null);
    this.instances = this.stacks.database.servers;
    this.platforms = this.stacks.access.platforms;
  }
}
