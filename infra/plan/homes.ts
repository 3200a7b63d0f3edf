import { isObject } from "../../constructs/model/json";
import type { Environment } from "../../constructs/model/spec";
import { type Change, toChange } from "./change";

/** Location of a platform's data. */
export interface Home {
  readonly instance: string;
  /** Names of its databases. */
  readonly databases: readonly string[];
}

/** By platform. */
export type Homes = Readonly<Record<string, Home>>;

export const homesOf = ({ instances }: Pick<Environment, "instances">): Homes =>
  Object.assign({}, ...Object.entries(instances).map(([instance, { tenants }]) => toHomes(instance, tenants)));

/** Reads the locations from tenants that a deployment has stored; empty if they are not valid. */
export function toHomes(instance: string, tenants: unknown): Homes {
  const entries = Object.entries(isObject(tenants) ? tenants : {});
  return Object.fromEntries(
    entries.flatMap(([platform, tenant]) => {
      const databases = isObject(tenant) && Array.isArray(tenant.databases) ? tenant.databases : [];
      const names = databases.flatMap((database) => (isObject(database) && typeof database.name === "string" ? [database.name] : []));
      return [[platform, { instance, databases: names }]];
    }),
  );
}

/**
 * Platforms that stay but would lose access to their data. Those that are unknown on one side are not compared.
 *
 * @param sources what instances are restored from, by instance.
 */
export const compareHomes = (before: Homes, after: Homes, sources: Readonly<Record<string, string>> = {}): readonly Change[] =>
  Object.entries(after).flatMap(([platform, has]) => {
    const had = before[platform];
    return had === undefined ? [] : compareHome(platform, had, has, sources[has.instance] ?? null);
  });

const MOVE = "undo that change, or move the data: docs/how-to/import-from-postgresql.md";

function compareHome(platform: string, had: Home, has: Home, source: string | null): readonly Change[] {
  if (had.instance !== has.instance) {
    const path = `platforms.${platform}.instance`;
    const empty = toChange("lost", path, `would start with empty databases on ${has.instance}; its data does not move`, MOVE);
    const restored = toChange(
      "lost",
      path,
      `would use its databases as ${has.instance} was restored, from ${source}; everything written to ${had.instance} since then does not move`,
      "stop the platform before you restore, or undo that change",
    );
    return [{ ...(source === null ? empty : restored), before: had.instance, after: has.instance }];
  }
  const [gone, made] = [without(had.databases, has.databases), without(has.databases, had.databases)];
  if (gone.length === 0) return [];
  const starts = `would start with ${made.length === 1 ? "an empty database" : "empty databases"} ${made.join(", ")}`;
  const stays = `${gone.join(", ")} would stay, but would no longer be managed`;
  return [
    {
      ...toChange(
        "lost",
        `platforms.${platform}.databases`,
        made.length === 0 ? stays : `${starts}; ${stays}`,
        made.length === 0 ? "keep it in the spec" : MOVE,
      ),
      before: had.databases.join(", "),
      after: has.databases.join(", "),
    },
  ];
}

const without = (names: readonly string[], others: readonly string[]): readonly string[] => names.filter((name) => !others.includes(name));
