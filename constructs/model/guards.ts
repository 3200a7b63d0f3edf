/** What to do instead of setting a guarded value: a setting of the spec, or the reason why there is none. */
export type Guard = {
  /** The chart's own value, which is allowed unless the wiring writes a different one. */
  readonly unless?: boolean;
} & ({ readonly setting: string } | { readonly because: string });

/** Guards in the shape of the values that they guard; elements of a list are keyed by name. */
export interface Guards {
  readonly [key: string]: Guard | Guards | readonly { readonly name: string; readonly guard: Guard }[];
}

/** Why most guarded values have no setting. */
export const THE_CONNECTION: Guard = { because: "it follows from the connection" };

/** Values that have the same name in most charts. */
export const COMMON_VALUES: Guards = {
  fullnameOverride: { setting: "release" },
  serviceAccount: { create: { setting: "serviceAccount", unless: true }, name: { setting: "serviceAccount" } },
};
