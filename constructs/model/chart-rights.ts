import type { ChartFacts, ChartRight } from "./chart-facts";

const READS = ["get", "list", "watch", "*"];
const CREATES = ["create", "*"];
/** Resources that start pods, by API group. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  "": ["pods", "replicationcontrollers"],
  apps: ["daemonsets", "deployments", "replicasets", "statefulsets"],
  batch: ["cronjobs", "jobs"],
};

/** What service accounts of a chart may do in every namespace. */
export interface BroadRight {
  readonly accounts: readonly string[];
  /** `read Secrets`, `start pods`. */
  readonly can: readonly string[];
}

/** ID of a platform's rule that warns about these rights, if the platform knows how to narrow them. */
export const rightsRuleOf = (kind: string): string => `${kind}-rights-in-every-namespace`;

/** A service account of a release: facts are rendered with an account named like its kind. */
export const accountOf = (account: string, kind: string, release: string): string => (account === kind ? release : account);

/**
 * Returns what a chart lets pods do outside their namespace with Secrets and pods. Reading every Secret yields every platform's password, and
 * starting pods anywhere yields every service account.
 *
 * @param isNarrowed whether values limit an account to the release's namespace.
 */
export function broadRights({ rights }: ChartFacts, isNarrowed: (account: string) => boolean = () => false): readonly BroadRight[] {
  return rights
    .filter(({ isClusterWide }) => isClusterWide)
    .flatMap(({ accounts, rules }) => {
      const may = (group: string, those: readonly string[], verbs: readonly string[]) =>
        rules.some((rule) => allows(rule, group, those, verbs));
      const mayStart = Object.entries(STARTS).some(([group, those]) => may(group, those, CREATES));
      const can = [...(may("", ["secrets"], READS) ? ["read Secrets"] : []), ...(mayStart ? ["start pods"] : [])];
      const broad = accounts.filter((account) => !isNarrowed(account));
      return can.length === 0 || broad.length === 0 ? [] : [{ accounts: broad, can }];
    });
}

const allows = (
  { groups, resources, verbs }: ChartRight["rules"][number],
  group: string,
  those: readonly string[],
  wanted: readonly string[],
): boolean =>
  groups.some((each) => each === group || each === "*") &&
  resources.some((each) => those.includes(each) || each === "*") &&
  verbs.some((verb) => wanted.includes(verb));
