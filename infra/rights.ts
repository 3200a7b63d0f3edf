import { factsOf, type Platforms } from "../constructs/model/platform";
import type { Environment } from "../constructs/model/spec";
import { platforms as registry } from "../constructs/platforms/registry";

const READS = ["get", "list", "watch", "*"];
const CREATES = ["create", "*"];

/**
 * What the charts of an environment let pods do outside their namespace with Secrets and pods: whoever may read every Secret has every
 * platform's password, and whoever may start pods anywhere runs as any service account.
 */
export const rightsNotes = (environment: Environment, platforms: Platforms = registry): readonly string[] =>
  Object.entries(environment.platforms).flatMap(([name, resolved]) => {
    const chart = resolved && platforms[resolved.kind]?.chart(resolved.settings);
    if (!chart) return [];
    const { rights, version } = factsOf(chart, resolved.settings.chartVersion);
    return rights
      .filter(({ isClusterWide }) => isClusterWide)
      .flatMap(({ accounts, rules }) => {
        const may = (resource: string, verbs: readonly string[]) =>
          rules.some(
            (rule) =>
              rule.groups.some((group) => group === "" || group === "*") &&
              rule.resources.some((each) => each === resource || each === "*") &&
              rule.verbs.some((verb) => verbs.includes(verb)),
          );
        const can = [...(may("secrets", READS) ? ["read Secrets"] : []), ...(may("pods", CREATES) ? ["start pods"] : [])];
        return can.length === 0
          ? []
          : [`${name}: ${chart.name} ${version} lets service account ${accounts.join(", ")} ${can.join(" and ")} in every namespace`];
      });
  });
