/** A value of a setting, as a plan shows it. */
export type Scalar = string | number | boolean | null;

/**
 * What is known of an instance, by setting. A key is written as in `instances.<name>`; `own.` begins a setting of the cloud's own section
 * for that instance (`aws.instances.<name>`), `section.` one of the section, and `real.` what is only looked at. What a source does not say is left out, and is not compared.
 */
export type Facts = Readonly<Record<string, Scalar>>;

/** Where a setting of an instance stands in the spec. */
export function pathOf(cloud: string, instance: string, key: string): string {
  if (key.startsWith("own.")) return `${cloud}.instances.${instance}.${key.slice("own.".length)}`;
  if (key.startsWith("section.")) return `${cloud}.${key.slice("section.".length)}`;
  return `instances.${instance}.${key}`;
}

/** A value in a sentence. */
export const show = (value: Scalar | undefined): string => (value === undefined || value === null ? "none" : String(value));
