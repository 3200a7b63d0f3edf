import type { JsonObject } from "../model/json";

/** A Helm chart that other releases need first, and that a cluster has once. */
export interface Operator {
  /** Name of its release. */
  readonly release: string;
  readonly namespace: string;
  readonly chart: string;
  readonly repository: string;
  readonly version: string;
  readonly values: JsonObject;
}

/**
 * Its API, `external-secrets.io/v1`, is what our manifests are written in.
 *
 * The names are ours, so that Helm rejects the definitions of somebody's own release (they name another owner), and never upgrades it.
 * Its chart has the definitions as templates: without `keep`, uninstalling it would delete every ExternalSecret of the cluster, and with
 * them the Secrets. https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource
 */
export const EXTERNAL_SECRETS: Operator = {
  release: "platform-postgres-external-secrets",
  namespace: "platform-postgres-external-secrets",
  chart: "external-secrets",
  repository: "https://charts.external-secrets.io",
  version: "2.9.0",
  values: { installCRDs: true, crds: { annotations: { "helm.sh/resource-policy": "keep" } } },
};

/** Restarts pods when a rotation has changed their Secret. */
export const RELOADER: Operator = {
  release: "platform-postgres-reloader",
  namespace: "platform-postgres-reloader",
  chart: "reloader",
  repository: "https://stakater.github.io/stakater-charts",
  version: "2.2.16",
  values: {},
};
