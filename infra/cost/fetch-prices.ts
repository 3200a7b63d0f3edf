import { writeAtomically } from "../../constructs/local/files";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { AWS_OFFERS, offerPath, pricesOfOffer } from "./aws-price-list";
import { GOOGLE_SERVICES, pricesOfSkus, skusPath } from "./google-price-list";
import { type ListedPrice, type PriceKey, type PriceTable, readPrices } from "./prices";

/** Addresses at which the vendors publish their prices. */
export interface PriceServers {
  readonly aws: string;
  readonly google: string;
}

export const PUBLIC_SERVERS: PriceServers = {
  aws: "https://pricing.us-east-1.amazonaws.com",
  google: "https://cloudbilling.googleapis.com",
};

/** Variable with an API key of any project in which the Cloud Billing API is enabled; AWS's price list needs none. */
export const GOOGLE_KEY = "GOOGLE_CLOUD_API_KEY";

export interface PriceRequest {
  readonly servers: PriceServers;
  readonly regions: Readonly<Record<PriceKey["cloud"], readonly string[]>>;
  /** Null leaves Google's prices as they are. */
  readonly googleKey: string | null;
  /** The table. */
  readonly file: string;
  doing(what: string): void;
}

/**
 * Replaces prices in the table with current ones. Writes it after reading all lists; prices that are not in the lists stay.
 *
 * @returns the number of prices read.
 * @throws UserError if a list cannot be read; then nothing is written.
 */
export async function updatePrices(request: PriceRequest): Promise<{ readonly read: number; readonly table: PriceTable }> {
  const before = readPrices(request.file);
  const prices = [...(await fetchAws(request)), ...(await fetchGoogle(request))];
  const table = before.with(prices);
  if (prices.length > 0) await writeAtomically(request.file, table.toJson(), 0o644);
  return { read: prices.length, table };
}

async function fetchAws({ servers, regions, doing }: PriceRequest): Promise<readonly ListedPrice[]> {
  const prices: ListedPrice[] = [];
  for (const region of regions.aws)
    for (const offer of AWS_OFFERS) {
      const address = `${servers.aws}${offerPath(offer, region)}`;
      doing(`reading prices of ${offer} in ${region}`);
      // One at a time, because RDS's offer in a region has tens of megabytes.
      prices.push(...parse(address, pricesOfOffer, await read(address, {}), region));
    }
  return prices;
}

async function fetchGoogle({ servers, regions, googleKey, doing }: PriceRequest): Promise<readonly ListedPrice[]> {
  const prices: ListedPrice[] = [];
  if (googleKey === null || regions.gcp.length === 0) return prices;
  for (const service of GOOGLE_SERVICES) {
    const address = `${servers.google}${skusPath(service)}`;
    doing(`reading prices of Google's service ${service}`);
    const pages = await readPages(address, googleKey);
    for (const region of regions.gcp) prices.push(...parse(address, pricesOfSkus, pages, region));
  }
  // A global price was read once for each region.
  return prices.filter((price, index) => price.region !== "global" || prices.findIndex(({ region }) => region === "global") === index);
}

async function readPages(address: string, key: string): Promise<readonly unknown[]> {
  const pages: unknown[] = [];
  let token = "";
  do {
    // The key is sent as a header, because messages contain addresses.
    const page = await read(`${address}?pageSize=5000&pageToken=${encodeURIComponent(token)}`, { "X-Goog-Api-Key": key });
    pages.push(page);
    token = isObject(page) && typeof page.nextPageToken === "string" ? page.nextPageToken : "";
  } while (token !== "");
  return pages;
}

/** Seconds to wait for an answer. */
const PATIENCE = 120;

async function read(address: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  try {
    const response = await fetch(address, { headers, signal: AbortSignal.timeout(PATIENCE * 1000) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    return await response.json();
  } catch (error) {
    throw unreadable(address, error);
  }
}

function parse<T>(address: string, of: (content: T, region: string, source: string) => readonly ListedPrice[], content: T, region: string) {
  try {
    return of(content, region, address);
  } catch (error) {
    throw unreadable(address, error);
  }
}

function unreadable(address: string, error: unknown): UserError {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : message;
  return new UserError(`cannot read ${address}: ${reason}; no price was changed; run this where the address can be reached`);
}
