/** Prices of a month, in US dollars. */
export interface CostReport {
  /** What there would be. */
  readonly after: Cost;
  /** What is compared; null where nothing is, or where it does not say enough. */
  readonly before: Cost | null;
  /** `monthlyCostLimitUsd` of the spec; null where it has none. */
  readonly limitUsd: number | null;
  /** Day of the oldest price that was used: yyyy-mm-dd. */
  readonly pricesOf: string;
  /** What is never counted, in words. */
  readonly notCounted: readonly string[];
}

export interface Cost {
  readonly parts: readonly CostPart[];
  /** Sum of the prices that are known. */
  readonly usd: number;
}

export interface CostPart {
  /** Instance; null for what all of them share. */
  readonly instance: string | null;
  /** In words: `db.m7g.large, two zones`. */
  readonly part: string;
  /** Null where the price is not known: it is left out of the sum. */
  readonly usd: number | null;
}
