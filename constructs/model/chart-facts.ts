/** What is known of one version of a chart, from rendering it: `npm run charts` writes it. */
export interface ChartFacts {
  readonly chart: string;
  readonly version: string;
  /** What its own schema rejects, so that Helm installs nothing: other types, and keys that it does not have. */
  readonly rejects: { readonly types: boolean; readonly keys: boolean };
  readonly keys: ChartKeys;
  /** Values that its templates only copy, keys joined by dots: they evaluate no template in them and indent each line. */
  readonly copied: readonly string[];
  /** Lists whose elements its templates write themselves, so that a line break in a text would end what it stands in. */
  readonly rows: readonly string[];
  /** What its pods may do in the cluster. */
  readonly rights: readonly ChartRight[];
  /** The workloads that read the Secret, to restart them; null where they have no label in common. */
  readonly restarts: { readonly kinds: readonly string[]; readonly label: string } | null;
}

/**
 * The values that a chart knows, as a tree: the keys of a map, or the types of a value as JSON Schema calls them, joined by `|`;
 * `scalar` is any text, number or boolean. A map that its templates copy as a whole has the key `*`; an `object` may hold anything.
 */
export type ChartKeys = { readonly [key: string]: ChartKeys | string };

/** A role that the chart binds to its pods. */
export interface ChartRight {
  /** Whether it holds in all namespaces, or in the release's only. */
  readonly isClusterWide: boolean;
  readonly accounts: readonly string[];
  readonly rules: readonly {
    readonly groups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
