/** A value of a setting, as a plan shows it. */
export type Scalar = string | number | boolean | null;

/**
 * Known facts of an instance, by setting. A key is that of `instances.<name>`; `own.` is the prefix of a setting in the cloud's section for
 * that instance (`aws.instances.<name>`), `section.` that of the section, and `real.` that of values which are only read. Facts that a
 * source does not contain are left out, and not compared.
 */
export type Facts = Readonly<Record<string, Scalar>>;

/** Path of an instance's setting in the spec. */
export function pathOf(cloud: string, instance: string, key: string): string {
  if (key.startsWith("own.")) return `${cloud}.instances.${instance}.${key.slice("own.".length)}`;
  if (key.startsWith("section.")) return `${cloud}.${key.slice("section.".length)}`;
  return `instances.${instance}.${key}`;
}

/** Shows a value in a sentence. */
export const show = (value: Scalar | undefined): string => (value === undefined || value === null ? "none" : String(value));
