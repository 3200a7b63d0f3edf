import { classNamed } from "../../constructs/aws/classes";
import { isObject } from "../../constructs/model/json";
import { EACH, type ListedPrice, type Part, type PriceKey, type Unit } from "./prices";

/** Offers of AWS's price list, by the parts that they contain. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html */
export const AWS_OFFERS = ["AmazonRDS", "AWSSecretsManager", "awskms", "AmazonVPC"] as const;

/** Path of an offer in a region, relative to the price list. */
export const offerPath = (offer: string, region: string): string => `/offers/v1.0/aws/${offer}/current/${region}/index.json`;

type Attributes = Readonly<Record<string, string | undefined>>;
type Matched = Pick<PriceKey, "part" | "standby" | "item"> & { readonly unit: Unit };

/** Suffixes of usage types; a region stands before them, except in us-east-1. A Multi-AZ deployment with one standby has its own. */
const RDS_USAGE: readonly (readonly [usage: RegExp, part: Part, unit: Unit])[] = [
  [/^(Multi-AZ-)?GP3-Storage$/, "storage", "GiB-month"],
  [/^(Multi-AZ-)?GP3-PIOPS$/, "iops", "IOPS-month"],
  [/^(Multi-AZ-)?GP3-Throughput$/, "throughput", "MiB/s-month"],
];

function match(family: string, attributes: Attributes): Matched | null {
  const usage = attributes.usagetype ?? "";
  const each = (part: Part, unit: Unit): Matched => ({ part, standby: false, item: EACH, unit });
  if (attributes.locationType !== undefined && attributes.locationType !== "AWS Region") return null;
  if (family === "Secret") return /(^|-)AWSSecretsManager-Secrets$/.test(usage) ? each("secret", "month") : null;
  if (family === "Encryption Key") return /(^|-)KMS-Keys$/.test(usage) ? each("key", "month") : null;
  if (family === "VpcEndpoint")
    return attributes.endpointType === "PrivateLink" && /(^|-)VpcEndpoint-Hours$/.test(usage) ? each("endpoint", "hour") : null;
  if (family === "Database Instance") return matchInstance(attributes, usage);
  // Some regions list a disk for each engine, others once for all engines.
  if (!["PostgreSQL", "Any"].includes(attributes.databaseEngine ?? "") || attributes.deploymentModel === "Custom") return null;
  const [, disk = ""] = /(?:^|-)RDS:(.+)$/.exec(usage) ?? [];
  if (disk === "ChargedBackupUsage") return each("backup", "GiB-month");
  const found = RDS_USAGE.find(([pattern]) => pattern.test(disk));
  return found === undefined ? null : { part: found[1], standby: disk.startsWith("Multi-AZ-"), item: "gp3", unit: found[2] };
}

function matchInstance(
  { databaseEngine, deploymentOption, deploymentModel, instanceType = "" }: Attributes,
  usage: string,
): Matched | null {
  if (databaseEngine !== "PostgreSQL" || deploymentModel === "Custom" || classNamed(instanceType) === undefined) return null;
  const standby = deploymentOption === "Multi-AZ";
  if (!(standby ? /(^|-)Multi-AZUsage:db\./ : /(^|-)InstanceUsage:db\./).test(usage)) return null;
  return standby || deploymentOption === "Single-AZ" ? { part: "instance", standby, item: instanceType, unit: "hour" } : null;
}

/**
 * Reads prices of one region from an offer file of AWS. Leaves out a price for which the file has two values.
 *
 * @param source its address.
 * @throws TypeError if it is not an offer file.
 */
export function pricesOfOffer(offer: unknown, region: string, source: string): readonly ListedPrice[] {
  if (!isObject(offer) || !isObject(offer.products) || !isObject(offer.terms) || typeof offer.publicationDate !== "string")
    throw new TypeError("it is not an offer file of AWS");
  const terms = isObject(offer.terms.OnDemand) ? offer.terms.OnDemand : {};
  const date = offer.publicationDate.slice(0, 10);
  const found = Object.entries(offer.products).flatMap(([sku, product]): readonly (ListedPrice & { readonly engine: string })[] => {
    if (!isObject(product) || !isObject(product.attributes)) return [];
    const attributes = product.attributes as Attributes;
    if (attributes.regionCode !== undefined && attributes.regionCode !== region) return [];
    const matched = match(String(product.productFamily), attributes);
    const usd = matched === null ? null : onDemand(terms[sku]);
    if (matched === null || usd === null) return [];
    return [{ cloud: "aws", region, ...matched, usd, source, date, engine: attributes.databaseEngine ?? "" }];
  });
  // A price for PostgreSQL takes precedence over one for any engine.
  const preferred = found.filter(
    (price) => price.engine !== "Any" || !found.some((other) => other.engine !== "Any" && isSame(price, other)),
  );
  return preferred
    .filter((price) => preferred.every((other) => !isSame(price, other) || other.usd === price.usd))
    .filter((price, index, all) => all.findIndex((other) => isSame(price, other)) === index)
    .map(({ engine: _, ...price }) => price);
}

const isSame = (a: PriceKey, b: PriceKey): boolean => a.part === b.part && a.standby === b.standby && a.item === b.item;

/** The price of the first unit, in `{ TERM: { priceDimensions: { RATE: { beginRange, pricePerUnit: { USD } } } } }`. */
function onDemand(terms: unknown): number | null {
  const [term] = isObject(terms) ? Object.values(terms) : [];
  const dimensions = isObject(term) && isObject(term.priceDimensions) ? Object.values(term.priceDimensions) : [];
  const first = dimensions.find((each) => isObject(each) && (each.beginRange === undefined || Number(each.beginRange) === 0));
  const usd = isObject(first) && isObject(first.pricePerUnit) ? Number(first.pricePerUnit.USD) : Number.NaN;
  return Number.isFinite(usd) && usd > 0 ? usd : null;
}
