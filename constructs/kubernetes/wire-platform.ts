import { HOST } from "../model/address";
import { SpecError, type Violation, violation } from "../model/errors";
import type { JsonObject } from "../model/json";
import type { HelmRelease, Platform } from "../model/platform";
import { withRenamedPaths } from "../model/renamed-paths";
import { resolveUnknown } from "../model/resolve";
import type { PlatformSpec } from "../model/spec";
import { defineTarget } from "../model/target";
import { type Wired, wirePlatforms } from "../model/wire";
import { toPlatformObjects } from "./platform-objects";

/** A platform, and its existing database. */
export interface WirePlatformProps<P extends Platform = Platform> {
  /** The platform, such as `mlflow` from `platform-postgres/platforms/mlflow`. */
  readonly platform: P;
  /** The platform's settings, as in a spec: pool sizes, replicas, chart version, names of its databases. @defaultValue `{}` */
  readonly settings?: PlatformSpec<P>;
  /** DNS name or address, as in the server's certificate; or a deploy-time token, such as CDK's. */
  readonly host: string;
  /** TCP port. @defaultValue `5432` */
  readonly port?: number;
  /** PEM text of the server's certificate authority, or a deploy-time token. */
  readonly ca: string;
  /** `verify-ca` checks the certificate, but not its name, as Cloud SQL needs for a private address. @defaultValue `"verify-full"` */
  readonly tls?: "verify-full" | "verify-ca";
  /** Name of the platform's Kubernetes Secret. @defaultValue `<release>-db` */
  readonly secret?: string;
  /**
   * Where External Secrets reads `username` and `password`: the secret's name in its store, and an existing ClusterSecretStore. If you leave
   * it out, create the Secret yourself, with the keys of `wired.wiring.secret`; `toSecret` renders it.
   *
   * @defaultValue none
   */
  readonly externalSecret?: { readonly key: string; readonly store: string };
  /** The server's `max_connections`, which must be sufficient for this platform. @defaultValue `100` */
  readonly maxConnections?: number;
  /** The server's major version. @defaultValue `17` */
  readonly majorVersion?: number;
  /** Reasons for settings that rules would otherwise reject, by rule ID. @defaultValue `{}` */
  readonly acknowledge?: Readonly<Record<string, string>>;
}

/** Everything to install a platform with its database. It contains no password. */
export interface WiredPlatform {
  /** The chart and its values; null for a platform without one: see `wired.wiring.release`. */
  readonly chart: Pick<HelmRelease, "chart" | "repository" | "version"> | null;
  /** Values for the chart, with `settings.values` merged in; `{}` without a chart. */
  readonly values: JsonObject;
  /** Kubernetes objects to apply first: the namespace, the certificate authority, the ExternalSecret, and the platform's own. */
  readonly objects: readonly JsonObject[];
  readonly wired: Wired;
  /** Findings that are allowed but worth knowing. */
  readonly warnings: readonly Violation[];
}

/** Connections for superusers (PostgreSQL's three), and for a person at a prompt. */
const RESERVED_CONNECTIONS = 5;
const PORT = 5432;
const INSTANCE = "main";
/** Deploy-time hosts are passed on, not parsed: CDK writes `${Token[...]}`. */
const LATE = "${";

/** A server of which only the address is known: pods connect directly, over verified TLS. */
const existingServer = (tls: "verify-full" | "verify-ca") =>
  defineTarget({
    name: "server",
    section: {},
    rules: [],
    wholeRules: [],
    reservedConnections: RESERVED_CONNECTIONS,
    maxConnections: () => 0,
    topology: (access) =>
      access === "auto" || access === "direct"
        ? { access: "direct", tls, caution: null }
        : { rule: "needs a cloud's proxy", remedy: 'use "direct"' },
  });

/** A platform's key in the registry: `kubeflow-pipelines`. */
const kindOf = ({ title }: Platform): string => title.toLowerCase().replaceAll(" ", "-");

/**
 * Wires one platform to an existing database: values for its chart, and further Kubernetes objects. Pure: it creates nothing and looks up
 * nothing. Databases and logins must exist; `npm run provision` or a cloud's `DatabaseProvisioning` creates them.
 *
 * @throws SpecError with all errors in the settings, the host and the port.
 */
export function wirePlatform<P extends Platform>({ platform, ...props }: WirePlatformProps<P>): WiredPlatform {
  const { settings = {}, host, port = PORT, ca, tls = "verify-full", acknowledge = {}, maxConnections, majorVersion } = props;
  if (!host.includes(LATE) && !HOST.pattern.test(host)) throw new SpecError([violation("host", `must be ${HOST.form}`, host)]);
  const kind = kindOf(platform);
  const registry = { [kind]: platform as Platform };
  const spec = {
    name: kind,
    acknowledge,
    instances: { [INSTANCE]: { majorVersion, existing: { host: "database.invalid", port, masterSecret: "unused", maxConnections } } },
    platforms: { [kind]: settings },
  };
  const names = {
    [`instances.${INSTANCE}.existing.`]: "",
    [`instances.${INSTANCE}.`]: "",
    [`instances.${INSTANCE}`]: "maxConnections",
    [`platforms.${kind}`]: "settings",
  };
  const environment = withRenamedPaths(names, () => resolveUnknown(spec, { target: existingServer(tls), platforms: registry }));
  const wired = wirePlatforms(environment, registry, () => ({ host, port, sidecar: null, secret: props.secret }))[kind] as Wired;
  const { externalSecret: from } = props;
  const source = from === undefined ? null : { ...from, annotations: {} };
  const { release } = wired.wiring;
  return {
    chart: release.kind === "helm" ? { chart: release.chart, repository: release.repository, version: release.version } : null,
    values: release.kind === "helm" ? withoutUndefined(release.values) : {},
    objects: toPlatformObjects(wired, { secret: source, ca, access: [] }).map(({ object }) => withoutUndefined(object)),
    wired,
    warnings: environment.warnings,
  };
}

const withoutUndefined = (object: JsonObject): JsonObject => JSON.parse(JSON.stringify(object)) as JsonObject;
