import { type Violation, violation } from "../model/errors";
import { text } from "../model/fields";
import type { JsonObject } from "../model/json";

/** A Helm chart that other releases need first, once per cluster. */
export interface Operator {
  /** Its resource name. */
  readonly id: string;
  /** Name of its release. */
  readonly release: string;
  readonly namespace: string;
  readonly chart: string;
  readonly repository: string;
  /** Version of its chart: the newest that was rendered with `values`, unless the environment sets another. */
  readonly version: string;
  readonly values: JsonObject;
}

/**
 * The manifests use its API `external-secrets.io/v1`. Rendered on 2026-11-30 from tag helm-chart-2.9.0.
 *
 * The names are this project's, so that Helm rejects the definitions of an existing release (which have another owner), and never upgrades
 * it. Its chart has the definitions as templates: without `keep`, uninstalling it would delete every ExternalSecret in the cluster, and their
 * Secrets. https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource
 */
export const EXTERNAL_SECRETS: Operator = {
  id: "ExternalSecrets",
  release: "platform-postgres-external-secrets",
  namespace: "platform-postgres-external-secrets",
  chart: "external-secrets",
  repository: "https://charts.external-secrets.io",
  version: "2.9.0",
  values: { installCRDs: true, crds: { annotations: { "helm.sh/resource-policy": "keep" } } },
};

/** Restarts pods when a rotation has changed their Secret. Rendered on 2026-11-30 from tag chart-v2.2.16. */
export const RELOADER: Operator = {
  id: "Reloader",
  release: "platform-postgres-reloader",
  namespace: "platform-postgres-reloader",
  chart: "reloader",
  repository: "https://stakater.github.io/stakater-charts",
  version: "2.2.16",
  values: {},
};

/** A cloud section's settings for a cluster's operators. */
export interface OperatorSettings {
  readonly installExternalSecrets: boolean;
  readonly externalSecretsVersion: string;
  readonly installReloader: boolean;
  readonly reloaderVersion: string;
}

/** A field for the version of an operator's chart. */
export const chartVersion = ({ version }: Operator) =>
  text({ pattern: /^\d{1,4}\.\d{1,4}\.\d{1,4}(-[0-9A-Za-z.]{1,32})?$/, form: `a chart's version such as ${version}`, default: version });

/** The operators to install, in the versions to install. */
export const operatorsOf = (settings: OperatorSettings): readonly Operator[] => [
  ...(settings.installExternalSecrets ? [{ ...EXTERNAL_SECRETS, version: settings.externalSecretsVersion }] : []),
  ...(settings.installReloader ? [{ ...RELOADER, version: settings.reloaderVersion }] : []),
];

const compare = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });

/** Whether a version is older than another, compared number by number. A pre-release is older than its release: https://semver.org/#spec-item-11 */
export function isOlder(version: string, than: string): boolean {
  const [[numbers = "", label], [others = "", other]] = [split(version), split(than)];
  const order = compare(numbers, others);
  if (order !== 0 || label === other) return order < 0;
  return label === undefined || other === undefined ? other === undefined : compare(label, other) < 0;
}

/** Splits a version into numbers and the label of a pre-release. Build metadata after a plus has no order. */
const split = (version: string): readonly string[] => (version.split("+")[0] ?? "").split(/-(.*)/s, 2);

/** Rejects External Secrets versions without a feature that the manifests need. @param path of the cluster. */
export const refuseExternalSecrets = (settings: OperatorSettings, path: string, oldest: string, need: string): readonly Violation[] =>
  settings.installExternalSecrets && isOlder(settings.externalSecretsVersion, oldest)
    ? [violation(`${path}.externalSecretsVersion`, `must be ${oldest} or newer, the first with ${need}`, settings.externalSecretsVersion)]
    : [];

/** The first version whose roles use an API that Kubernetes 1.22 and newer have. Read in the chart's history: v0.0.71 was the last without. */
const OLDEST_RELOADER = "0.0.72";
export const RELOADER_WHY = "Kubernetes 1.22 and newer reject the roles of older charts, and the installation fails.";

/** Rejects a Reloader that no supported cluster can install. @param path of the cluster. */
export const refuseReloader = (settings: OperatorSettings, path: string): readonly Violation[] =>
  settings.installReloader && isOlder(settings.reloaderVersion, OLDEST_RELOADER)
    ? [
        violation(
          `${path}.reloaderVersion`,
          `must be ${OLDEST_RELOADER} or newer, the first with rbac.authorization.k8s.io/v1`,
          settings.reloaderVersion,
        ),
      ]
    : [];

/** Reports versions of operators that are not installed. @param path of the cluster. */
export const unusedVersions = (settings: OperatorSettings, path: string): readonly Violation[] => [
  ...(settings.installExternalSecrets || settings.externalSecretsVersion === EXTERNAL_SECRETS.version
    ? []
    : [violation(`${path}.externalSecretsVersion`, "has no effect without installExternalSecrets", settings.externalSecretsVersion)]),
  ...(settings.installReloader || settings.reloaderVersion === RELOADER.version
    ? []
    : [violation(`${path}.reloaderVersion`, "has no effect without installReloader", settings.reloaderVersion)]),
];

/** Reports operators that are not installed, because releases are not. @param path of the cluster. */
export const unusedOperators = (settings: OperatorSettings & { readonly installReleases: boolean }, path: string): readonly Violation[] =>
  settings.installReleases
    ? []
    : (["installExternalSecrets", "installReloader"] as const)
        .filter((field) => settings[field])
        .map((field) => ({ path: `${path}.${field}`, rule: "has no effect with installReleases: false", got: null, remedy: "" }));
