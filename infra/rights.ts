import { factsOf, type Platforms } from "../constructs/model/platform";
import type { Environment } from "../constructs/model/spec";
import { platforms as registry } from "../constructs/platforms/registry";

const READS = ["get", "list", "watch", "*"];
const CREATES = ["create", "*"];
/** What starts pods, by API group. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  "": ["pods", "replicationcontrollers"],
  apps: ["daemonsets", "deployments", "replicasets", "statefulsets"],
  batch: ["cronjobs", "jobs"],
};

/**
 * What the charts of an environment let pods do outside their namespace with Secrets and pods: whoever may read every Secret has every
 * platform's password, and whoever may start pods anywhere runs as any service account.
 */
export const rightsNotes = (environment: Environment, platforms: Platforms = registry): readonly string[] =>
  Object.entries(environment.platforms).flatMap(([name, resolved]) => {
    const chart = resolved && platforms[resolved.kind]?.chart(resolved.settings);
    if (!chart) return [];
    // Rendered with a release of the platform's usual name.
    const called = (account: string) => (account === resolved.kind ? resolved.settings.release : account);
    const { rights, version } = factsOf(chart, resolved.settings.chartVersion);
    return rights
      .filter(({ isClusterWide }) => isClusterWide)
      .flatMap(({ accounts, rules }) => {
        const may = (group: string, resources: readonly string[], verbs: readonly string[]) =>
          rules.some(
            (rule) =>
              rule.groups.some((each) => each === group || each === "*") &&
              rule.resources.some((each) => resources.includes(each) || each === "*") &&
              rule.verbs.some((verb) => verbs.includes(verb)),
          );
        const mayStart = Object.entries(STARTS).some(([group, resources]) => may(group, resources, CREATES));
        const can = [...(may("", ["secrets"], READS) ? ["read Secrets"] : []), ...(mayStart ? ["start pods"] : [])];
        return can.length === 0
          ? []
          : [
              `${name}: ${chart.name} ${version} lets service account ${accounts.map(called).join(", ")} ${can.join(" and ")} in every namespace`,
            ];
      });
  });
