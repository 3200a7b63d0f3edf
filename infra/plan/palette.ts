/** Colours of a plan's page in both schemes, by the name of the variable in its style. */
export interface Palette {
  readonly page: string;
  readonly panel: string;
  readonly sunken: string;
  readonly ink: string;
  readonly muted: string;
  /** Decorative borders. */
  readonly line: string;
  /** Lines and borders with a meaning. */
  readonly wire: string;
  readonly accent: string;
  readonly lost: string;
  readonly "lost-back": string;
  readonly refused: string;
  readonly "refused-back": string;
  readonly outage: string;
  readonly "outage-back": string;
  readonly cost: string;
  readonly "cost-back": string;
  readonly other: string;
  readonly "other-back": string;
  readonly good: string;
  readonly "good-back": string;
  readonly series0: string;
  readonly series1: string;
  readonly series2: string;
  readonly series3: string;
  readonly series4: string;
  readonly series5: string;
}

export const LIGHT: Palette = {
  page: "#f4f6f9",
  panel: "#ffffff",
  sunken: "#eef1f5",
  ink: "#18202c",
  muted: "#536073",
  line: "#d8dee6",
  wire: "#5f6f86",
  accent: "#1d5bb8",
  lost: "#a3121c",
  "lost-back": "#fdeced",
  refused: "#86246a",
  "refused-back": "#faebf5",
  outage: "#844700",
  "outage-back": "#fff2dc",
  cost: "#0c578c",
  "cost-back": "#e5f1fb",
  other: "#465164",
  "other-back": "#eceff4",
  good: "#14623a",
  "good-back": "#e4f5eb",
  series0: "#2a6ebb",
  series1: "#c65d00",
  series2: "#16856a",
  series3: "#8748b5",
  series4: "#8a7500",
  series5: "#c03b78",
};

export const DARK: Palette = {
  page: "#0e131a",
  panel: "#161d27",
  sunken: "#1f2834",
  ink: "#e7ecf3",
  muted: "#a4b0c0",
  line: "#2d3745",
  wire: "#8393a9",
  accent: "#86b9ff",
  lost: "#ff9d9d",
  "lost-back": "#3b1a1f",
  refused: "#f2a8df",
  "refused-back": "#371b31",
  outage: "#ffc873",
  "outage-back": "#36270f",
  cost: "#8ccbff",
  "cost-back": "#12293d",
  other: "#bdc8d6",
  "other-back": "#242e3b",
  good: "#82dfa8",
  "good-back": "#123121",
  series0: "#6cabf2",
  series1: "#f2a14d",
  series2: "#4fc8a2",
  series3: "#c59df2",
  series4: "#d6c650",
  series5: "#f08db9",
};

/** Text and its background. */
export const TEXTS: readonly (readonly [text: keyof Palette, back: keyof Palette])[] = [
  ["ink", "page"],
  ["ink", "panel"],
  ["ink", "sunken"],
  ["muted", "page"],
  ["muted", "panel"],
  ["muted", "sunken"],
  ["accent", "page"],
  ["accent", "panel"],
  ...(["lost", "refused", "outage", "cost", "other", "good"] as const).flatMap(
    (level) =>
      [
        ["ink", `${level}-back`],
        ["muted", `${level}-back`],
        [level, `${level}-back`],
        [level, "panel"],
      ] as const,
  ),
];

/** Graphics and their background. */
export const GRAPHICS: readonly (readonly [graphic: keyof Palette, back: keyof Palette])[] = [
  ["wire", "panel"],
  ["wire", "sunken"],
  ["series0", "panel"],
  ["series1", "panel"],
  ["series2", "panel"],
  ["series3", "panel"],
  ["series4", "panel"],
  ["series5", "panel"],
];
