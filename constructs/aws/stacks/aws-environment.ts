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
 * Changes when an instance is replaced, or becomes an existing database. References across stacks are resolved by name, so a stack with an
 * unchanged template would not be deployed again; this value changes its template.
 */
export function generationOf({ section, instances }: AwsEnvironment, name: string): string {
  const existing = instances[name]?.settings.existing ?? null;
  const decides = existing === null ? [section.kmsKey, section.network?.vpc ?? null] : [existing.host, existing.port];
  return createHash("sha256").update(JSON.stringify(decides)).digest("hex").slice(0, 8);
}

/** Whether a created instance is protected from deletion. */
export const isGuarded = ({ instances }: AwsEnvironment, name: string): boolean => instances[name]?.settings.deletionProtection === true;

/** Whether there is a network for functions: the environment's, or a created one; none is created if all databases exist. */
export function hasNetwork({ section, instances }: AwsEnvironment): boolean {
  const all = Object.values(instances);
  return section.network !== null || all.length === 0 || all.some(({ settings }) => settings.existing === null);
}

/** PEM text of the certificate authority of an instance. */
export const caOf = (environment: AwsEnvironment, name: string): string =>
  functionCaOf(environment, name) ?? regionRoots(environment.section.region);

/** Returns the same for the functions of an instance; null if their program contains it, as it does for RDS regions. */
export const functionCaOf = ({ section, instances }: AwsEnvironment, name: string): string | null =>
  instances[name]?.settings.existing?.ca ?? section.certificateAuthorities;

/**
 * Whether a platform's resources are in nested stacks, which is the case if its name differs from its kind. The resources of other platforms are in
 * the environment's stacks, and there is at most one such platform of each kind.
 */
export const isInner = ({ platforms }: AwsEnvironment, name: string): boolean => platforms[name]?.kind !== name;
