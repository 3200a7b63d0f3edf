/** A value of a setting, as a plan shows it. */
export type Scalar = string | number | boolean | null;

/**
 * What is known of an instance, by setting. A key is written as in `instances.<name>`; `own.` begins a setting of the cloud's own section
 * for that instance (`aws.instances.<name>`), `section.` one of the section. What a source does not say is left out, and is not compared.
 */
export type Facts = Readonly<Record<string, Scalar>>;

/** A Helm release that is deployed. */
export interface ReleaseFacts {
  /** Platform, or operator, that it is of. */
  readonly name: string;
  readonly chart: string;
  readonly version: string | null;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What a synthesis, a state or an environment's file says there is. */
export interface StoredFacts {
  /** By name. */
  readonly instances: Readonly<Record<string, Facts>>;
}

/** Where a setting of an instance stands in the spec. */
export function pathOf(cloud: string, instance: string, key: string): string {
  if (key.startsWith("own.")) return `${cloud}.instances.${instance}.${key.slice("own.".length)}`;
  if (key.startsWith("section.")) return `${cloud}.${key.slice("section.".length)}`;
  return `instances.${instance}.${key}`;
}

/** A value in a sentence. */
export const show = (value: Scalar | undefined): string => (value === undefined || value === null ? "none" : String(value));
