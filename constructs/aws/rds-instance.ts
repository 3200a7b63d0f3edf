import { Stack, Token } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { UserError } from "../model/errors";
import type { Written } from "../model/fields";
import type { InstanceSpec } from "../model/instance";
import { ownInstance } from "../model/own-instance";
import { withRenamedPaths } from "../model/renamed-paths";
import { resolveUnknown } from "../model/resolve";
import type { ResolvedInstance } from "../model/spec";
import type { AwsInstance, awsInstanceFields } from "./instance-fields";
import { aws } from "./target";

/** What a person writes of one server on RDS: every setting of `instances.<name>` and of `aws.instances.<name>`, each with the spec's default. */
export type RdsInstanceSpec = Omit<InstanceSpec, "existing"> & Written<typeof awsInstanceFields>;

/** One server on RDS, checked and complete. */
export interface RdsInstance extends Pick<ResolvedInstance, "settings" | "maxConnections"> {
  /** Its settings that exist only on AWS. */
  readonly own: AwsInstance;
  /** Acknowledged rules, with reasons. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** Name of the spec for one server, and of the instance in it. */
export const INSTANCE = "main";

/** Prefixes of the paths of a spec's instance, and the names that a construct's caller knows. */
export const INSTANCE_PATHS = { [`aws.instances.${INSTANCE}`]: "instance", [`instances.${INSTANCE}`]: "instance" };

/** Returns the region of a construct's stack. If the stack has none, a placeholder region with which only the rules about regions find nothing. */
export function regionOf(scope: IConstruct, { backupReplication }: Pick<InstanceSpec, "backupReplication"> = {}): string {
  const { region } = Stack.of(scope);
  if (!Token.isUnresolved(region)) return region;
  return backupReplication?.region === "us-east-1" ? "us-east-2" : "us-east-1";
}

/**
 * Checks one server with the rules of a spec, and completes it with the spec's defaults.
 *
 * @param region of RDS.
 * @param acknowledge reasons for settings that rules would otherwise reject, by rule ID.
 * @throws SpecError with every violation; UserError for an existing database.
 */
export function toRdsInstance(written: RdsInstanceSpec, region: string, acknowledge: Readonly<Record<string, string>> = {}): RdsInstance {
  const spec = {
    name: INSTANCE,
    acknowledge,
    aws: { region, instances: { [INSTANCE]: written } },
    instances: { [INSTANCE]: {} },
    platforms: {},
  };
  const environment = withRenamedPaths(INSTANCE_PATHS, () => resolveUnknown(spec, { target: aws, platforms: {} }));
  const { settings, maxConnections } = environment.instances[INSTANCE] as ResolvedInstance;
  if (settings.existing !== null)
    throw new UserError("instance.existing: describes an existing database; use RdsPostgres.fromDatabaseInstance or fromAttributes");
  return { settings, maxConnections, own: ownInstance(environment, INSTANCE), acknowledge };
}

/** Returns a checked server as `aws.instances` of a spec describes it. */
export function toInstanceSpec({ settings, own }: RdsInstance): RdsInstanceSpec {
  const { size, ...others } = settings;
  // A class decides the size, so the two cannot be set together.
  return { ...own, ...others, ...(own.class === null ? { size } : {}) };
}
