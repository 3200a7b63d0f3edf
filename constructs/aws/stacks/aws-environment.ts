import { createHash } from "node:crypto";
import type { Environment } from "../../model/spec";
import type { platforms } from "../../platforms/registry";
import { regionRoots } from "../regions";
import type { awsFields } from "../section";

/** An environment on AWS, with its section in its own type. */
export type AwsEnvironment = Environment<typeof platforms, typeof awsFields>;

/** The stacks of an environment, in the order in which they are deployed. */
export const PARTS = ["network", "database", "access", "platforms", "guard"] as const;
/** Name of one of them. */
export const stackName = (environment: string, part: (typeof PARTS)[number]): string => `postgres-${environment}-${part}`;

/**
 * Changes when an instance becomes another server, or somebody else's. References across stacks are looked up by name, so that a stack
 * whose template is the same is not deployed again; with this in it, it is.
 */
export function generationOf({ section, instances }: AwsEnvironment, name: string): string {
  const existing = instances[name]?.settings.existing ?? null;
  const decides = existing === null ? [section.kmsKey, section.network?.vpc ?? null] : [existing.host, existing.port];
  return createHash("sha256").update(JSON.stringify(decides)).digest("hex").slice(0, 8);
}

/** Whether the deletion of an instance that the environment creates is refused. */
export const isGuarded = ({ instances }: AwsEnvironment, name: string): boolean => instances[name]?.settings.deletionProtection === true;

/** Whether there is a network for functions: the environment's, or one that is created; none is created for existing databases only. */
export function hasNetwork({ section, instances }: AwsEnvironment): boolean {
  const all = Object.values(instances);
  return section.network !== null || all.length === 0 || all.some(({ settings }) => settings.existing === null);
}

/** PEM text of the certificate authority of an instance. */
export const caOf = (environment: AwsEnvironment, name: string): string =>
  functionCaOf(environment, name) ?? regionRoots(environment.section.region);

/** The same for the functions of an instance: null if their program contains it, as that of a region of RDS. */
export const functionCaOf = ({ section, instances }: AwsEnvironment, name: string): string | null =>
  instances[name]?.settings.existing?.ca ?? section.certificateAuthorities;

/**
 * Whether a platform's resources are in nested stacks: this is so if its name differs from its kind. The resources of other platforms are in
 * the environment's stacks, and there is at most one such platform of each kind.
 */
export const isInner = ({ platforms }: AwsEnvironment, name: string): boolean => platforms[name]?.kind !== name;
