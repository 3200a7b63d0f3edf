import { GP3 } from "../../constructs/aws/storage";
import type { Machine } from "./machines";
import { EACH, type Part, type Price, type PriceKey, type PriceTable } from "./prices";

/** Hours of a month in the vendors' calculators: 365 days of 24 hours, divided by 12. */
export const HOURS_PER_MONTH = 730;

/** Costs that depend on use, and are not counted. */
export const NOT_COUNTED: readonly string[] = ["backups beyond the free size", "data transfer", "log ingestion", "alarms and requests"];

/** A disk; Enterprise Plus has its own price of SSD. */
export type DiskItem = "gp3" | "PD_SSD" | "PD_SSD ENTERPRISE_PLUS" | "HYPERDISK_BALANCED";

export interface PricedInstance {
  /** Its name in the spec. */
  readonly name: string;
  readonly machine: Machine;
  readonly disk: {
    readonly item: DiskItem;
    readonly gib: number;
    /** Provisioned value; null if it follows from the disk's size or the vendor's default. */
    readonly iops: number | null;
    readonly throughputMibps: number | null;
  };
  /** Whether it has a standby in a second zone. */
  readonly highAvailability: boolean;
  /** Each costs as much as a primary without a standby. */
  readonly replicas: number;
}

/** The billed parts of an environment. */
export interface PricedEnvironment {
  readonly cloud: PriceKey["cloud"];
  readonly region: string;
  readonly instances: readonly PricedInstance[];
  /** Secrets, the masters' included; on Google Cloud active versions. */
  readonly secrets: number;
  /** Keys that it creates. */
  readonly keys: number;
  /** Availability zones in which it creates an endpoint of Secrets Manager. */
  readonly endpointZones: number;
  /** Private DNS zones that it creates. */
  readonly dnsZones: number;
}

/** The primary, which includes its standby, or all replicas together. */
export type Role = "primary" | "replicas";

/** The cost of one part. */
export interface CostLine {
  /** The instance's name; null for a part that belongs to the environment. */
  readonly instance: string | null;
  readonly role: Role | null;
  readonly part: Part;
  /** A class, series or type of disk; `each` for a part that comes in one form. */
  readonly item: string;
  readonly standby: boolean;
  /** Units for a month: hours, GiB and so on, of all vCPUs, GiB or replicas together. */
  readonly quantity: number;
  /** USD for a month, in whole cents; null if the price is unknown. */
  readonly usd: number | null;
  readonly price: Price | null;
}

/** USD for a month. */
export interface Cost {
  readonly lines: readonly CostLine[];
  /** The sum of the known parts. */
  readonly usd: number;
  /** Parts whose price is unknown: they are not in the sum. */
  readonly unknown: readonly CostLine[];
  /** By instance; null stands for what belongs to the environment. */
  readonly instances: readonly { readonly name: string | null; readonly usd: number; readonly unknown: number }[];
  readonly notCounted: readonly string[];
}

/** Computes the monthly cost of an environment. */
export function costOf(environment: PricedEnvironment, table: PriceTable): Cost {
  const { cloud, region } = environment;
  const lines = [...environment.instances.flatMap(instanceUses), ...sharedUses(environment)].flatMap((use) => toLine(use));
  const names = [...new Set(lines.map(({ instance }) => instance))];
  return {
    lines,
    usd: sum(lines),
    unknown: lines.filter(isUnknown),
    instances: names.map((name) => {
      const its = lines.filter(({ instance }) => instance === name);
      return { name, usd: sum(its), unknown: its.filter(isUnknown).length };
    }),
    notCounted: NOT_COUNTED,
  };

  function toLine(use: Use): readonly CostLine[] {
    if (use.quantity === 0) return [];
    const price = table.find({ cloud, region, part: use.part, standby: use.standby, item: use.item });
    return [{ ...use, price, usd: price === null ? null : inCents(use.quantity * price.usd) }];
  }
}

type Use = Omit<CostLine, "usd" | "price">;

const isUnknown = ({ usd }: CostLine): boolean => usd === null;
const inCents = (usd: number): number => Math.round(usd * 100) / 100;
const sum = (lines: readonly CostLine[]): number => inCents(lines.reduce((total, { usd }) => total + (usd ?? 0), 0));

function instanceUses({ name, machine, disk, highAvailability, replicas }: PricedInstance): readonly Use[] {
  const uses = (role: Role, standby: boolean, count: number): readonly Use[] =>
    [...machineUses(machine), ...diskUses(disk)].map(([part, item, quantity]) => ({
      instance: name,
      role,
      part,
      item,
      standby,
      quantity: quantity * count,
    }));
  return [...uses("primary", highAvailability, 1), ...uses("replicas", false, replicas)];
}

type Quantity = readonly [part: Part, item: string, quantity: number];

const machineUses = (machine: Machine): readonly Quantity[] =>
  machine.kind === "whole"
    ? [["instance", machine.item, HOURS_PER_MONTH]]
    : [
        ["vcpu", machine.series, machine.vcpus * HOURS_PER_MONTH],
        ["memory", machine.series, machine.memoryGib * HOURS_PER_MONTH],
      ];

function diskUses({ item, gib, iops, throughputMibps }: PricedInstance["disk"]): readonly Quantity[] {
  const included = item === "gp3" ? { iops: GP3.iops.min, throughput: GP3.throughput.min } : { iops: 0, throughput: 0 };
  return [
    ["storage", item, gib],
    ["iops", item, Math.max(0, (iops ?? 0) - included.iops)],
    ["throughput", item, Math.max(0, (throughputMibps ?? 0) - included.throughput)],
  ];
}

function sharedUses({ secrets, keys, endpointZones, dnsZones }: PricedEnvironment): readonly Use[] {
  const quantities: readonly Quantity[] = [
    ["secret", EACH, secrets],
    ["key", EACH, keys],
    ["endpoint", EACH, endpointZones * HOURS_PER_MONTH],
    ["zone", EACH, dnsZones],
  ];
  return quantities.map(([part, item, quantity]) => ({ instance: null, role: null, part, item, standby: false, quantity }));
}
