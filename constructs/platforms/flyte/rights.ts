import { accountOf, broadRights, rightsRuleOf } from "../../model/chart-rights";
import { isObject, type JsonObject } from "../../model/json";
import { type Chart, factsOf, type PlatformRule } from "../../model/platform";
import { editionOf, type FlyteFields, type FlyteSettings } from "./settings";

const at = (values: JsonObject, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), values);

/** Values of flyte-core that set the scope of a service account's roles. */
const SCOPES: Readonly<Record<string, string>> = {
  flyteadmin: "flyteadmin",
  flytepropeller: "flytepropeller",
  "flyte-pod-webhook": "webhook",
};

/**
 * Whether values limit the roles of a service account to the release's namespace. flyte-core renders a Role instead of a ClusterRole; the
 * flyte-binary charts omit the ClusterRole, and the user creates narrower roles.
 */
function isNarrowed(account: string, settings: Pick<FlyteSettings, "chart" | "chartVersion" | "values">): boolean {
  if (editionOf(settings) !== "core-1") return at(settings.values, "rbac", "create") === false;
  return at(settings.values, SCOPES[account] ?? "", "serviceAccount", "rbacScope") === "namespace";
}

const REMEDY = {
  core: 'to run tasks in the release\'s namespace only, set serviceAccount.rbacScope: "namespace" of flyteadmin, flytepropeller and webhook in values',
  binary: "to use narrower roles, set rbac.create: false in values; otherwise run nothing in this cluster that Flyte's users must not read",
} as const;

/** A warning about roles that apply in every namespace. @param chartOf of its settings. */
export const rightsRule = (chartOf: (settings: FlyteSettings) => Chart): PlatformRule<FlyteFields> => ({
  id: rightsRuleOf("flyte"),
  why: "Anyone who can start a task as one of these accounts can read the Secrets of all other platforms.",
  source: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks",
  date: "2026-11-30",
  severity: "warning",
  check: (settings, path) => {
    const broad = broadRights(factsOf(chartOf(settings), settings.chartVersion), (account) => isNarrowed(account, settings));
    if (broad.length === 0) return [];
    const accounts = broad.flatMap((each) => each.accounts).map((account) => accountOf(account, "flyte", settings.release));
    const can = [...new Set(broad.flatMap((each) => each.can))];
    return [
      {
        path: `${path}.chart`,
        rule: `lets service account${accounts.length === 1 ? "" : "s"} ${accounts.join(", ")} ${can.join(" and ")} in every namespace, including those of other platforms`,
        got: null,
        remedy: editionOf(settings) === "core-1" ? REMEDY.core : REMEDY.binary,
      },
    ];
  },
  passing: { values: { rbac: { create: false } } },
  failing: {},
});
