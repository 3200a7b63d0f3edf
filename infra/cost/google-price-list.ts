import { isObject } from "../../constructs/model/json";
import type { DiskItem } from "./cost";
import type { Series } from "./machines";
import { EACH, type ListedPrice, type Part, type PriceKey, type Unit } from "./prices";

/** IDs of Google's services in the Cloud Billing Catalog: Cloud SQL, Secret Manager. https://cloud.google.com/billing/v1/how-tos/catalog-api */
export const GOOGLE_SERVICES = ["9662-B51E-5089", "EE82-7A5E-871C"] as const;

/** Path of a service's prices, relative to the catalog. */
export const skusPath = (service: string): string => `/v1/services/${service}/skus`;

type Meaning = readonly [part: Part, item: Series | DiskItem | "db-f1-micro" | "db-g1-small", unit: Unit];

/** Beginnings and ends of descriptions such as `Cloud SQL for PostgreSQL: Zonal - vCPU in Netherlands`. Newer ones use "Postgres". */
const DESCRIPTION = /^Cloud SQL for Postgre(?:s|SQL): (Zonal|Regional) ?- (.+?) in /;

const MEANINGS: Readonly<Record<string, Meaning>> = {
  vCPU: ["vcpu", "ENTERPRISE", "hour"],
  RAM: ["memory", "ENTERPRISE", "GiB-hour"],
  "Micro instance": ["instance", "db-f1-micro", "hour"],
  "Small instance": ["instance", "db-g1-small", "hour"],
  "Standard storage": ["storage", "PD_SSD", "GiB-month"],
  "Enterprise N4 vCPU": ["vcpu", "ENTERPRISE N4", "hour"],
  "Enterprise N4 RAM": ["memory", "ENTERPRISE N4", "GiB-hour"],
  "Enterprise Plus N vCPU": ["vcpu", "ENTERPRISE_PLUS N2", "hour"],
  "Enterprise Plus N RAM": ["memory", "ENTERPRISE_PLUS N2", "GiB-hour"],
  "Enterprise Plus Performance Optimized C4A vCPU": ["vcpu", "ENTERPRISE_PLUS C4A", "hour"],
  "Enterprise Plus Performance Optimized C4A RAM": ["memory", "ENTERPRISE_PLUS C4A", "GiB-hour"],
  "Enterprise Plus Standard Storage": ["storage", "PD_SSD ENTERPRISE_PLUS", "GiB-month"],
  "Enterprise Storage Hyperdisk Balanced Capacity": ["storage", "HYPERDISK_BALANCED", "GiB-month"],
  "Enterprise Storage Hyperdisk Balanced IOPS": ["iops", "HYPERDISK_BALANCED", "IOPS-month"],
  "Enterprise Storage Hyperdisk Balanced Throughput": ["throughput", "HYPERDISK_BALANCED", "MiB/s-month"],
};

type Matched = Pick<PriceKey, "region" | "part" | "standby" | "item"> & { readonly unit: Unit };

function match(description: string, region: string): Matched | null {
  if (description === "Secret version replica storage")
    return { region: "global", part: "secret", standby: false, item: EACH, unit: "month" };
  if (/^Cloud SQL: Backups in /.test(description)) return { region, part: "backup", standby: false, item: EACH, unit: "GiB-month" };
  const [, zones, words = ""] = DESCRIPTION.exec(description) ?? [];
  const meaning = Object.hasOwn(MEANINGS, words) ? MEANINGS[words] : undefined;
  if (meaning === undefined) return null;
  const [part, item, unit] = meaning;
  return { region, part, standby: zones === "Regional", item, unit };
}

/**
 * Reads prices of one region from answers of the Cloud Billing Catalog. Leaves out a price for which they have two values.
 *
 * @param pages answers of one service, page by page.
 * @param source their address.
 * @throws TypeError if one of them is not such an answer.
 */
export function pricesOfSkus(pages: readonly unknown[], region: string, source: string): readonly ListedPrice[] {
  const found = pages.flatMap((page): readonly ListedPrice[] => {
    if (!isObject(page) || !Array.isArray(page.skus)) throw new TypeError("it is not an answer of the Cloud Billing Catalog");
    return page.skus.flatMap((sku: unknown) => priceOf(sku, region, source) ?? []);
  });
  return found
    .filter((price) => found.every((other) => !isSame(price, other) || other.usd === price.usd))
    .filter((price, index, all) => all.findIndex((other) => isSame(price, other)) === index);
}

const isSame = (a: PriceKey, b: PriceKey): boolean => a.part === b.part && a.standby === b.standby && a.item === b.item;

function priceOf(sku: unknown, region: string, source: string): ListedPrice | null {
  if (!isObject(sku) || !isObject(sku.category) || sku.category.usageType !== "OnDemand" || !Array.isArray(sku.serviceRegions)) return null;
  const matched = match(String(sku.description), region);
  if (matched === null || !sku.serviceRegions.includes(matched.region)) return null;
  const [pricing] = Array.isArray(sku.pricingInfo) ? (sku.pricingInfo as readonly unknown[]) : [];
  const usd = isObject(pricing) && isObject(pricing.pricingExpression) ? firstRate(pricing.pricingExpression.tieredRates) : null;
  if (usd === null || !isObject(pricing)) return null;
  return { cloud: "gcp", ...matched, usd, source, date: String(pricing.effectiveTime).slice(0, 10) };
}

/** The first rate that is not free: free tiers belong to an account, not to a database. */
function firstRate(rates: unknown): number | null {
  const prices = (Array.isArray(rates) ? rates : []).map((rate: unknown) => {
    const price = isObject(rate) && isObject(rate.unitPrice) ? rate.unitPrice : {};
    return price.currencyCode === "USD" ? Number(price.units ?? 0) + Number(price.nanos ?? 0) / 1e9 : Number.NaN;
  });
  return prices.find((usd) => usd > 0) ?? null;
}
