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

/** The same, checked and complete. */
export interface RdsInstance extends Pick<ResolvedInstance, "settings" | "maxConnections"> {
  /** What it has on AWS only. */
  readonly own: AwsInstance;
  /** Rules of which it was excepted, with reasons. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** Name of the spec that is made of one server, and of the instance in it. */
export const INSTANCE = "main";

/** Beginnings of the paths of a spec's instance, and what a construct's caller knows them as. */
export const INSTANCE_PATHS = { [`aws.instances.${INSTANCE}`]: "instance", [`instances.${INSTANCE}`]: "instance" };

/** The region of a construct's stack. While the stack has none, another one stands for it, in which only the rules about regions are idle. */
export function regionOf(scope: IConstruct, { backupReplication }: Pick<InstanceSpec, "backupReplication"> = {}): string {
  const { region } = Stack.of(scope);
  if (!Token.isUnresolved(region)) return region;
  return backupReplication?.region === "us-east-1" ? "us-east-2" : "us-east-1";
}

/**
 * Checks one server by the rules of a spec, and completes it with the spec's defaults.
 *
 * @param region of RDS.
 * @param acknowledge reasons for what rules would refuse without one: rule id to reason.
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

/** A checked server as a spec describes it in `aws.instances`. */
export function toInstanceSpec({ settings, own }: RdsInstance): RdsInstanceSpec {
  const { size, ...others } = settings;
  // A class decides the size, and the two cannot stand together.
  return { ...own, ...others, ...(own.class === null ? { size } : {}) };
}
