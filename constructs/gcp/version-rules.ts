import { isOlder, RELOADER_WHY, refuseExternalSecrets, refuseReloader, unusedVersions } from "../kubernetes/operators";
import { violation } from "../model/errors";
import { ownEntry } from "../model/json";
import type { WholeRule } from "../model/target";
import { AUTH_PROXY_VERSION } from "./auth-proxy";
import { CHECKED, EXISTING } from "./rules";
import { type gcpFields, USUAL_PREFIX } from "./section";
import { CLUSTER, SECTION } from "./section-rules";

/** The first version that verifies a certificate by any of its names, which those of a CA pool need; 2.6.0 ends a Job's pod without an error. */
const OLDEST_AUTH_PROXY = "2.16.0";

type GcpRule = WholeRule<typeof gcpFields>;

/** Whether a pod of the environment has the Auth Proxy: of a platform, or of provisioning. Unknown values were reported. */
const hasProxy = ({ section, instances, platforms }: Parameters<GcpRule["check"]>[0]): boolean =>
  Object.values(platforms).some(({ access }) => access !== "direct") ||
  (section.cluster !== null &&
    Object.entries(instances).some(
      ([name, { existing }]) => existing === null || ownEntry(section.existingConnections, name) !== undefined,
    ));

/** Rules about versions of operators and proxies that this project installs. */
export const gcpVersionRules: readonly GcpRule[] = [
  {
    id: "gcp-auth-proxy-has-our-settings",
    source: "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/blob/main/CHANGELOG.md",
    why: "Older proxies reject the certificates of a CA pool, or never end, so Jobs hang.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { authProxyVersion } }) =>
      isOlder(authProxyVersion, OLDEST_AUTH_PROXY)
        ? [
            violation(
              "gcp.authProxyVersion",
              `must be ${OLDEST_AUTH_PROXY} or newer, the first version that verifies certificates of all Cloud SQL certificate authorities`,
              authProxyVersion,
            ),
          ]
        : [],
    passing: { section: { ...SECTION, authProxyVersion: OLDEST_AUTH_PROXY } },
    failing: { section: { ...SECTION, authProxyVersion: "2.9.0" } },
  },
  {
    id: "gcp-external-secrets-has-our-api",
    source: "https://github.com/external-secrets/external-secrets/pull/5131",
    why: "Older versions do not know a field that the manifests use, so the cluster rejects or drops it.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) =>
      cluster === null ? [] : refuseExternalSecrets(cluster, "gcp.cluster", "0.20.2", "secretVersionSelectionPolicy"),
    passing: { section: { ...SECTION, cluster: { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.20.2" } } },
    failing: { section: { ...SECTION, cluster: { ...CLUSTER, installExternalSecrets: true, externalSecretsVersion: "0.20.1" } } },
  },
  {
    id: "gcp-settings-have-an-effect",
    source: "https://cloud.google.com/sql/docs/postgres/configure-private-services-access",
    why: "Without a warning, a person would wait for an effect that the setting never has.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { privateServicesAccess: access } }) =>
      access.create || access.prefixLength === USUAL_PREFIX
        ? []
        : [violation("gcp.privateServicesAccess.prefixLength", "has no effect with create: false", access.prefixLength)],
    passing: { section: { ...SECTION, privateServicesAccess: { create: false } } },
    failing: { section: { ...SECTION, privateServicesAccess: { create: false, prefixLength: 16 } } },
  },
  {
    id: "gcp-reloader-fits-kubernetes",
    source: "https://github.com/stakater/Reloader/commit/faf27c2d5d04d8097b288dc8f6569a340ea4593e",
    why: RELOADER_WHY,
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster } }) => (cluster === null ? [] : refuseReloader(cluster, "gcp.cluster")),
    passing: { section: { ...SECTION, cluster: { ...CLUSTER, installReloader: true, reloaderVersion: "1.0.0" } } },
    failing: { section: { ...SECTION, cluster: { ...CLUSTER, installReloader: true, reloaderVersion: "0.0.50" } } },
  },
  {
    id: "gcp-versions-have-an-effect",
    source: "https://cloud.google.com/sql/docs/postgres/connect-auth-proxy",
    why: "Without a warning, a person would wait for a version that nothing installs.",
    date: CHECKED,
    severity: "warning",
    check: (whole) => {
      const { cluster, authProxyVersion } = whole.section;
      const isUnused = authProxyVersion !== AUTH_PROXY_VERSION && !hasProxy(whole);
      return [
        ...(cluster === null ? [] : unusedVersions(cluster, "gcp.cluster")),
        ...(isUnused ? [violation("gcp.authProxyVersion", "has no effect, because no pod has an Auth Proxy", authProxyVersion)] : []),
      ];
    },
    passing: { section: { ...SECTION, authProxyVersion: "2.27.0", cluster: CLUSTER }, instances: { at: {} } },
    failing: { section: { ...SECTION, authProxyVersion: "2.27.0", cluster: CLUSTER }, instances: { at: { existing: EXISTING } } },
  },
];
