import type { DeploymentPlan } from "../cloud";
import { type Cost as Computed, type CostLine, costOf, HOURS_PER_MONTH, NOT_COUNTED } from "../cost/cost";
import type { PriceTable } from "../cost/prices";

/** Prices of a month, in US dollars. */
export interface CostReport {
  /** After the deployment. */
  readonly after: Cost;
  /** Before the deployment; null if nothing is compared, or if it is incomplete. */
  readonly before: Cost | null;
  /** `monthlyCostLimitUsd` of the spec; null if it has none. */
  readonly limitUsd: number | null;
  /** Date of the oldest price in use, yyyy-mm-dd; null if none is known. */
  readonly pricesOf: string | null;
  /** Costs that are never counted, in words. */
  readonly notCounted: readonly string[];
}

export interface Cost {
  readonly parts: readonly CostPart[];
  /** Sum of the known prices. */
  readonly usd: number;
}

export interface CostPart {
  /** Instance; null for a shared part. */
  readonly instance: string | null;
  /** In words: `db.m7g.large, two zones`. */
  readonly part: string;
  /** Null if the price is unknown: it is left out of the sum. */
  readonly usd: number | null;
  /** Source of the price; null if the price is unknown. */
  readonly source: string | null;
}

export function toCostReport(priced: DeploymentPlan["priced"], table: PriceTable, limitUsd: number | null): CostReport | null {
  if (priced === null) return null;
  const [after, before] = [costOf(priced.after, table), priced.before === null ? null : costOf(priced.before, table)];
  const dates = after.lines.flatMap(({ price }) => (price === null ? [] : [price.date])).sort();
  return {
    after: toCost(after),
    before: before === null ? null : toCost(before),
    limitUsd,
    pricesOf: dates[0] ?? null,
    notCounted: NOT_COUNTED,
  };
}

const toCost = ({ lines, usd }: Computed): Cost => ({
  parts: lines.map((line) => ({ instance: line.instance, part: describe(line), usd: line.usd, source: line.price?.source ?? null })),
  usd,
});

/** A part in words, with its billed quantity. */
function describe({ role, part, item, standby, quantity }: CostLine): string {
  const where = `${role === "replicas" ? ", read replicas" : ""}${standby ? ", two zones" : ""}`;
  const each = (count: number, what: string) => `${count.toLocaleString("en-US")} ${what}${count === 1 ? "" : "s"}`;
  switch (part) {
    case "instance":
      return `${quantity / HOURS_PER_MONTH === 1 ? "" : `${quantity / HOURS_PER_MONTH} `}${item}${where}`;
    case "vcpu":
      return `${each(quantity / HOURS_PER_MONTH, "vCPU")} ${item}${where}`;
    case "memory":
      return `${(quantity / HOURS_PER_MONTH).toLocaleString("en-US")} GiB of memory ${item}${where}`;
    case "storage":
      return `${quantity.toLocaleString("en-US")} GiB of ${item}${where}`;
    case "iops":
      return `${quantity.toLocaleString("en-US")} IOPS of ${item}${where}`;
    case "throughput":
      return `${quantity.toLocaleString("en-US")} MiB/s of ${item}${where}`;
    case "backup":
      return "backups";
    case "secret":
      return each(quantity, "secret");
    case "key":
      return each(quantity, "KMS key");
    case "endpoint":
      return "endpoint of Secrets Manager";
    case "zone":
      return each(quantity, "private DNS zone");
  }
}
