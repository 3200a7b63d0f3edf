import { accountOf, broadRights, rightsRuleOf } from "../constructs/model/chart-rights";
import { factsOf, type Platforms } from "../constructs/model/platform";
import type { Environment } from "../constructs/model/spec";
import { platforms as registry } from "../constructs/platforms/registry";

/** Rights on Secrets and pods in all namespaces that charts grant, unless a warning of the platform already reports them. */
export const rightsNotes = (environment: Environment, platforms: Platforms = registry): readonly string[] =>
  Object.entries(environment.platforms).flatMap(([name, resolved]) => {
    const platform = resolved && platforms[resolved.kind];
    if (!platform || platform.rules.some(({ id }) => id === rightsRuleOf(resolved.kind))) return [];
    const chart = platform.chart(resolved.settings);
    if (chart === null) return [];
    const called = (account: string) => accountOf(account, resolved.kind, resolved.settings.release);
    const facts = factsOf(chart, resolved.settings.chartVersion);
    return broadRights(facts).map(
      ({ accounts, can }) =>
        `${name}: ${chart.name} ${facts.version} lets service account ${accounts.map(called).join(", ")} ${can.join(" and ")} in every namespace`,
    );
  });
