import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import type { CLOUDS } from "../spec";

/** Parts that vendors bill. A managed zone is one of DNS; an endpoint is one of Secrets Manager in one availability zone. */
export type Part = "instance" | "vcpu" | "memory" | "storage" | "iops" | "throughput" | "backup" | "secret" | "key" | "endpoint" | "zone";

export type Unit = "hour" | "GiB-hour" | "GiB-month" | "IOPS-month" | "MiB/s-month" | "month";

/** The subject of a price. */
export interface PriceKey {
  readonly cloud: (typeof CLOUDS)[number];
  /** `global` is for prices that are the same in every region. */
  readonly region: string;
  readonly part: Part;
  /** Whether the price includes a standby in a second zone. */
  readonly standby: boolean;
  /** A class, tier, machine series or type of disk; `each` for a part that comes in one form. */
  readonly item: string;
}

export interface Price {
  /** For one unit. */
  readonly usd: number;
  readonly unit: Unit;
  /** Address at which the price was read. */
  readonly source: string;
  /** The source's own date, `yyyy-mm-dd`. */
  readonly date: string;
}

export type ListedPrice = PriceKey & Price;

/** Prices that differ only in their item. */
export interface PriceList extends Omit<ListedPrice, "item" | "usd"> {
  /** USD for one unit, by item. */
  readonly usd: Readonly<Record<string, number>>;
}

/** The only item of a part that comes in one form. */
export const EACH = "each";
const GLOBAL = "global";

/** The table that `npm run prices` writes: on-demand prices without taxes, discounts and free tiers. */
export const PRICES_FILE = join(PACKAGE_ROOT, "infra", "cost", "prices.json");

const identify = ({ cloud, region, part, standby, item }: PriceKey): string => [cloud, region, part, standby, item].join(" ");

/** Finds prices by their subject. */
export class PriceTable {
  readonly #prices: ReadonlyMap<string, ListedPrice>;

  /** @throws TypeError if two prices have the same subject. */
  constructor(lists: readonly PriceList[]) {
    const prices = lists.flatMap(pricesOf);
    this.#prices = new Map(prices.map((price) => [identify(price), price]));
    if (this.#prices.size === prices.length) return;
    const seen = new Set<string>();
    const twice = prices.map(identify).filter((id) => seen.size === seen.add(id).size);
    throw new TypeError(`two prices have the same subject: ${twice.join(", ")}`);
  }

  get prices(): readonly ListedPrice[] {
    return [...this.#prices.values()];
  }

  /** Returns the price in a region, or the global one; null if it is unknown. */
  find(key: PriceKey): Price | null {
    return this.#prices.get(identify(key)) ?? this.#prices.get(identify({ ...key, region: GLOBAL })) ?? null;
  }

  /** Returns this table with newer prices. The others stay, with their date. */
  with(newer: readonly ListedPrice[]): PriceTable {
    return new PriceTable(toLists([...new Map([...this.prices, ...newer].map((price) => [identify(price), price])).values()]));
  }

  /** The content of its file: sorted, so that a diff shows only changed prices. */
  toJson(): string {
    return `${JSON.stringify(toLists(this.prices), null, 2)}\n`;
  }
}

const pricesOf = ({ usd, ...list }: PriceList): readonly ListedPrice[] =>
  Object.entries(usd).map(([item, price]) => ({ ...list, item, usd: price }));

function toLists(prices: readonly ListedPrice[]): readonly PriceList[] {
  const lists = new Map<string, PriceList & { usd: Record<string, number> }>();
  for (const { item, usd, ...list } of [...prices].sort((a, b) => compare(identify(a), identify(b)))) {
    const { cloud, region, part, standby, unit, source, date } = list;
    const id = [cloud, region, part, standby, unit, source, date].join(" ");
    const known = lists.get(id) ?? { cloud, region, part, standby, unit, source, date, usd: {} };
    known.usd[item] = usd;
    lists.set(id, known);
  }
  return [...lists.entries()].sort(([a], [b]) => compare(a, b)).map(([, list]) => list);
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** The committed table. @throws UserError if it cannot be read. */
export function readPrices(file = PRICES_FILE): PriceTable {
  try {
    return new PriceTable(JSON.parse(readFileSync(file, "utf8")) as readonly PriceList[]);
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}; run git checkout ${file}`);
  }
}
