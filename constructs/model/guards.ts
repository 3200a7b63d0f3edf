/** What to do in place of setting a guarded value: a setting of the spec, or why there is none. */
export type Guard = {
  /** A value that changes nothing unless the wiring writes another: the one that the chart has by itself. */
  readonly unless?: boolean;
} & ({ readonly setting: string } | { readonly because: string });

/** Guards in the shape of the values that they guard; elements of a list stand by their name. */
export interface Guards {
  readonly [key: string]: Guard | Guards | readonly { readonly name: string; readonly guard: Guard }[];
}

/** Why most guarded values have no setting. */
export const THE_CONNECTION: Guard = { because: "it follows from the connection" };

/** Values that most charts call alike. */
export const COMMON_VALUES: Guards = {
  fullnameOverride: { setting: "release" },
  serviceAccount: { create: { setting: "serviceAccount", unless: true }, name: { setting: "serviceAccount" } },
};
