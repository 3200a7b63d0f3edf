/** What rendering showed about one version of a chart; `npm run charts` writes it. */
export interface ChartFacts {
  readonly chart: string;
  readonly version: string;
  /** What the chart's schema rejects, so that Helm installs nothing: other types, and unknown keys. */
  readonly rejects: { readonly types: boolean; readonly keys: boolean };
  readonly keys: ChartKeys;
  /** Values that its templates only copy, as keys joined by dots: templates in them are not evaluated, and each line is indented. */
  readonly copied: readonly string[];
  /** Lists whose elements its templates write one by one, so that a line break in an element would end it. */
  readonly rows: readonly string[];
  /** What its pods may do in the cluster. */
  readonly rights: readonly ChartRight[];
  /** The workloads that read the Secret, to restart them; null if they have no common label. */
  readonly restarts: { readonly kinds: readonly string[]; readonly label: string } | null;
}

/**
 * The values that a chart knows, as a tree: the keys of a map, or the types of a value as JSON Schema calls them, joined by `|`;
 * `scalar` is any string, number or boolean. A map that its templates copy as a whole has the key `*`; an `object` may contain anything.
 */
export type ChartKeys = { readonly [key: string]: ChartKeys | string };

/** A role that the chart binds to its pods. */
export interface ChartRight {
  /** Whether it applies in all namespaces, or only in the release's. */
  readonly isClusterWide: boolean;
  readonly accounts: readonly string[];
  readonly rules: readonly {
    readonly groups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
