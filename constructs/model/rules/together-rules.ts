import type { CommonFields } from "../common-fields";
import { violation } from "../errors";
import type { Settings } from "../fields";
import type { JsonObject } from "../json";
import type { Exclusive, Platform, Platforms } from "../platform";
import { checkItems, type Rule } from "../rule";

/** A platform among those of its environment. */
export interface Companion {
  readonly name: string;
  /** Its key in the registry. */
  readonly kind: string;
  readonly platform: Platform;
  readonly settings: Settings<CommonFields>;
}

/** A rule about all platforms of an environment; examples contain them as a person writes them, by name. */
export type TogetherRule = Rule<readonly Companion[], Readonly<Record<string, JsonObject>>>;

/** Returns the rules about all platforms, which follow from the definition of each kind. */
export const togetherRules = (platforms: Platforms): readonly TogetherRule[] =>
  Object.entries(platforms).flatMap(([kind, { oncePerCluster, exclusive }]) => [
    ...(oncePerCluster === null ? [] : [onceRule(kind, oncePerCluster)]),
    ...(exclusive === null ? [] : [exclusiveRule(kind, exclusive)]),
  ]);

function onceRule(kind: string, { because, source, date }: NonNullable<Platform["oncePerCluster"]>): TogetherRule {
  return {
    id: `${kind}-once-in-a-cluster`,
    why: "Both change the same objects in the cluster, and each undoes the other's changes.",
    source,
    date,
    severity: "acknowledge",
    check: (companions, path) => {
      const [first, ...others] = companions.filter((each) => each.kind === kind);
      return checkItems(others, ({ name }) => [
        violation(
          `${path}.${name}`,
          `cannot share a cluster with ${first?.name}, because ${because}`,
          name,
          "keep one of them, or install them in separate clusters",
        ),
      ]);
    },
    passing: { [kind]: {} },
    failing: { [kind]: {}, [`${kind}-2`]: { platform: kind } },
  };
}

function exclusiveRule(kind: string, { what, because, source, date, uses, example }: Exclusive): TogetherRule {
  return {
    id: `${kind}-has-its-own-${what.toLowerCase()}`,
    why: "Two platforms that share it read and change each other's data.",
    source,
    date,
    severity: "acknowledge",
    check: (companions, path) => {
      const users = new Map<string, string>();
      const ofKind = companions.filter((each) => each.kind === kind);
      return checkItems(ofKind, ({ name, settings }) => {
        const used = Object.entries(uses(settings));
        const shared = used.find(([, each]) => users.has(each));
        const other = shared && users.get(shared[1]);
        for (const [, each] of used) users.set(each, users.get(each) ?? name);
        if (shared === undefined) return [];
        const got = (settings as Readonly<Record<string, unknown>>)[shared[0]];
        return [violation(`${path}.${name}.${shared[0]}`, `is also the ${what} of ${other}, but ${because}`, got, `name another ${what}`)];
      });
    },
    passing: { [kind]: example },
    failing: { [kind]: example, [`${kind}-2`]: { platform: kind, ...example } },
  };
}
