import type { CommonFields } from "./common-fields";
import type { Settings } from "./fields";
import { type JsonObject, mapValues } from "./json";
import { kubernetesNames } from "./names";
import type { Connection, Listener, Platform, Platforms, Tls, TlsMode, Wiring } from "./platform";
import type { Environment, ResolvedPlatform } from "./spec";
import type { Topology } from "./target";
import { mergeValues } from "./values";

/** How a platform reaches its instance. */
export interface Reach extends Listener {
  /** The instance's first read replica, reached the same way; left out if there is none. */
  readonly reader?: Listener | null;
  /** The proxy container, if the platform's pods have a sidecar. Its name is `SIDECAR`. */
  readonly sidecar: JsonObject | null;
  /** Name of the platform's Kubernetes Secret; by default it follows from the release. */
  readonly secret?: string;
}

/** Name of the proxy container in a platform's pods; a spec's values cannot use it. */
export const SIDECAR = "database-proxy";

/** A platform's wiring, and its connection. */
export interface Wired {
  /** Its kind: a key of the registry. */
  readonly kind: string;
  /** Its title, as people write it. */
  readonly title: string;
  readonly namespace: string;
  readonly release: string;
  readonly connection: Connection;
  readonly wiring: Wiring;
  /** Service accounts of its pods; none if the chart creates one with its own name. */
  readonly serviceAccounts: readonly string[];
}

/** A platform on its instance, with the settings that every platform has. */
export type PlacedPlatform = ResolvedPlatform<Settings<CommonFields>>;

/** File name of the CA within its ConfigMap, and where it is mounted. */
const CA_FILE = { key: "ca.pem", mountPath: "/etc/platform-postgres" } as const;

/**
 * Returns the wiring of every platform of an environment, with the user's values merged in. The only caller of `wire` for deliveries.
 *
 * @param reach called once per platform; its host may be a deploy-time token.
 */
export function wirePlatforms(
  environment: Environment,
  platforms: Platforms,
  reach: (platform: PlacedPlatform) => Reach,
): Readonly<Record<string, Wired>> {
  const used = Object.keys(environment.platforms);
  return Object.fromEntries(
    used.map((name) => {
      const resolved = environment.platforms[name];
      const platform = platforms[resolved?.kind ?? ""];
      if (resolved === undefined || platform === undefined)
        throw new TypeError(`the environment has a platform ${name} that the registry lacks`);
      const { settings } = resolved;
      const reached = reach(resolved);
      const reader = resolved.readerPeak > 0 ? (reached.reader ?? null) : null;
      const connection = connect(platform, resolved.databases, settings, resolved.tls, { ...reached, reader });
      const wiring = withUserValues(platform.wire(connection, settings), settings.values);
      const serviceAccounts = [connection.serviceAccount ?? platform.serviceAccounts(settings)].flat();
      return [
        name,
        {
          kind: resolved.kind,
          title: platform.title,
          namespace: settings.namespace,
          release: settings.release,
          connection,
          wiring,
          serviceAccounts,
        },
      ];
    }),
  );
}

function withUserValues(wiring: Wiring, values: JsonObject): Wiring {
  if (wiring.release.kind !== "helm") return wiring;
  return { ...wiring, release: { ...wiring.release, values: mergeValues(wiring.release.values, values) } };
}

function connect(
  platform: Platform,
  databases: Readonly<Record<string, string>>,
  settings: Settings<CommonFields>,
  mode: TlsMode,
  { host, port, sidecar: proxy, reader = null, secret }: Reach,
): Connection {
  const names = kubernetesNames(settings.release);
  // The proxy's identity is that of its pod.
  const needsAccount = proxy !== null && platform.serviceAccounts(settings).length === 0;
  const serviceAccount = settings.serviceAccount ?? (needsAccount ? names.client : null);
  const sidecar = proxy === null ? null : { ...proxy, name: SIDECAR };
  const tls: Tls = mode === "proxy" ? { mode, sidecar } : { mode, ca: { configMap: names.caConfigMap, ...CA_FILE } };
  return { host, port, reader, databases, secret: secret ?? names.secret, serviceAccount, tls };
}

/** Returns the wiring to a placeholder host: its shape, and therefore the guarded paths, do not depend on the host. */
export function placeholderWiring(platform: Platform, settings: Settings<CommonFields>, { access, tls }: Topology): Wiring {
  const databases = mapValues(platform.databases(settings), (database) => database.name);
  const sidecar = access === "sidecar" ? {} : null;
  return platform.wire(connect(platform, databases, settings, tls, { host: "database.invalid", port: 5432, sidecar }), settings);
}
