import { type Budget, peak } from "./budget";
import type { CommonFields } from "./common-fields";
import type { Fields, Settings } from "./fields";
import { MAX_CONNECTIONS } from "./instance";
import type { Platform } from "./platform";

/** A platform's share of an instance's connections. */
export interface Share {
  readonly name: string;
  readonly platform: Platform;
  readonly settings: Settings<CommonFields>;
  /** Most connections at a time. */
  readonly peak: number;
}

/** The instance that has too few connections. */
interface Crowded {
  readonly name: string;
  readonly isExisting: boolean;
  /** Returns where a setting is in the spec. */
  locate(path: string): string;
}

/**
 * Returns the three cheapest ways to make platforms fit, cheapest first: a smaller pool costs nothing, more connections cost memory, another
 * instance costs money. Each is sufficient alone; insufficient ones are left out.
 */
export function waysOut(instance: Crowded, shares: readonly Share[], { maxConnections, free }: Budget): readonly string[] {
  const excess = -free;
  const needed = maxConnections + excess;
  const at = (setting: string) => instance.locate(`instances.${instance.name}.${setting}`);
  const raise = instance.isExisting
    ? `raise max_connections of the server, and ${at("existing.maxConnections")}, to ${needed}`
    : `set ${at("parameters.max_connections")} to ${needed}`;
  return [
    ...shrink(shares, excess),
    ...(needed <= MAX_CONNECTIONS.max ? [raise] : []),
    ...(shares.length > 1 ? [move(shares, excess)] : []),
  ];
}

/** Lowers the one setting, a pool or a number of processes, that shrinks by the smallest share; or several, if all at their lowest would do. */
function shrink(shares: readonly Share[], excess: number): readonly string[] {
  const [best] = shares.flatMap((share) => lower(share, excess)).sort((a, b) => b.value / b.from - a.value / a.from);
  if (best !== undefined) return [`set platforms.${best.platform}.${best.setting} to ${best.value} (now ${best.from})`];
  const spare = shares.reduce((sum, share) => sum + share.peak - lowest(share), 0);
  return spare >= excess ? [`shrink several pools by ${excess} connections in total`] : [];
}

/** Returns a platform's whole-number settings with their smallest values. Not its replicas: fewer replicas cost more than connections. */
const minimaOf = ({ platform }: Share): readonly (readonly [string, number])[] =>
  Object.entries(platform.fields as Fields).flatMap(([setting, { min }]) => (min === undefined ? [] : [[setting, min] as const]));

/** Returns the peak with every pool and number of processes at its smallest. */
const lowest = (share: Share): number => peak(share.platform.connections({ ...share.settings, ...Object.fromEntries(minimaOf(share)) }));

interface Lowered {
  readonly platform: string;
  readonly setting: string;
  readonly from: number;
  readonly value: number;
}

/** Returns each setting that alone can free enough connections, at the highest value that does. */
function lower(share: Share, excess: number): readonly Lowered[] {
  const { name, platform, settings, peak: now } = share;
  return minimaOf(share).flatMap(([setting, min]) => {
    const from = (settings as Readonly<Record<string, unknown>>)[setting];
    if (typeof from !== "number") return [];
    for (let value = from - 1; value >= min; value -= 1) {
      if (peak(platform.connections({ ...settings, [setting]: value })) <= now - excess) return [{ platform: name, setting, from, value }];
    }
    return [];
  });
}

/** Moves the smallest platform that is large enough; otherwise the largest ones. */
function move(shares: readonly Share[], excess: number): string {
  const ascending = [...shares].sort((a, b) => a.peak - b.peak);
  const enough = ascending.find((share) => share.peak >= excess);
  if (enough !== undefined) return `move ${enough.name} (${enough.peak}) to a separate instance`;
  const moved: Share[] = [];
  for (const share of ascending.reverse()) {
    if (moved.reduce((sum, each) => sum + each.peak, 0) < excess) moved.push(share);
  }
  return `move ${moved.map((share) => share.name).join(", ")} to separate instances`;
}
