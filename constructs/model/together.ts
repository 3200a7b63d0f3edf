import { violation } from "./errors";
import type { Settings } from "./fields";
import type { JsonObject } from "./json";
import type { CommonFields, Platform, Platforms } from "./platform";
import { checkItems, type Rule } from "./rule";

/** A platform among those of its environment. */
export interface Companion {
  readonly name: string;
  /** Its key in the registry. */
  readonly kind: string;
  readonly platform: Platform;
  readonly settings: Settings<CommonFields>;
}

/** About all platforms of an environment; an example has them as a person writes them, by name. */
export type TogetherRule = Rule<readonly Companion[], Readonly<Record<string, JsonObject>>>;

/** The rules about all platforms, which follow from what each kind states. */
export const togetherRules = (platforms: Platforms): readonly TogetherRule[] =>
  Object.entries(platforms).flatMap(([kind, { oncePerCluster }]) => (oncePerCluster === null ? [] : [onceRule(kind, oncePerCluster)]));

function onceRule(kind: string, { because, source, date }: NonNullable<Platform["oncePerCluster"]>): TogetherRule {
  return {
    id: `${kind}-once-in-a-cluster`,
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
