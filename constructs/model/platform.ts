import type { ChartFacts } from "./chart-facts";
import type { CommonFields } from "./common-fields";
import type { Fields, Settings } from "./fields";
import { type Guard, type Guards, THE_CONNECTION } from "./guards";
import { type ImageFacts, NO_IMAGES } from "./images";
import { completeImport, type ImportFacts } from "./imports";
import { MAJOR_VERSIONS, type MajorVersion } from "./instance";
import type { JsonObject } from "./json";
import type { Rule } from "./rule";

/** One value of a Secret: literals, fields of the credential in an encoding, and the text of the CA (PEM). Rendered as plain text and as an External Secrets template. */
export type SecretTemplate = readonly (string | SecretField | { readonly caText: true })[];
export interface SecretField {
  readonly field: "username" | "password";
  /** `raw`: unchanged; `url`: percent-encoded; `dsn`: as a value of libpq's keyword/value string. */
  readonly encoding: "raw" | "url" | "dsn";
}

/** A process variable: a string, a key of the Secret, or the path of the CA's file. */
export type Variable = string | { readonly secretKey: string } | { readonly caFile: true };
export type Variables = Readonly<Record<string, Variable>>;

/** A text for a process outside Kubernetes: literals, fields of the credential, the path of the CA's file, or of another of the platform's files. */
export type ProcessText = readonly (string | SecretField | { readonly caFile: true } | { readonly file: string })[];

/** How the database's certificate is verified. `proxy`: a proxy does it, and the hop to the proxy is plain text. */
export type Tls =
  | {
      readonly mode: "verify-full" | "verify-ca";
      readonly ca: { readonly configMap: string; readonly key: string; readonly mountPath: string };
    }
  | { readonly mode: "proxy"; readonly sidecar: JsonObject | null };
export type TlsMode = Tls["mode"];

/** Where a server listens. `host` is opaque, as in a connection. */
export interface Listener {
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * Where a platform connects and which Secret it reads. It contains no password and no user name, because rotation changes both.
 *
 * `host` is opaque (a deploy-time token on some targets): it is passed on, never parsed, compared or encoded.
 */
export interface Connection<D extends string = string> extends Listener {
  /**
   * A read replica with the same databases, login, CA and TLS mode, which lags behind. Null if the instance has none, or if the platform
   * does not read from one.
   */
  readonly reader: Listener | null;
  /** The platform's databases by key; two keys may name one database. */
  readonly databases: Readonly<Record<D, string>>;
  /** Name of the Kubernetes Secret. */
  readonly secret: string;
  /** The service account of its pods; null lets the chart create one. A proxy sidecar needs one that the cloud knows. */
  readonly serviceAccount: string | null;
  readonly tls: Tls;
}

export interface HelmRelease {
  readonly kind: "helm";
  /** Null for a chart in this project: the folder `chart` next to the platform. */
  readonly repository: string | null;
  readonly chart: string;
  readonly version: string;
  readonly values: JsonObject;
  /** The workloads that read the Secret: their kinds, and their label with the release's name. */
  readonly restarts: NonNullable<ChartFacts["restarts"]>;
  /** Whether an installer may wait until the pods are ready; false if they become ready only through a hook that runs later. */
  readonly wait: boolean;
}

/** A release of a Helm chart. @param wait see `HelmRelease`. */
export function helmRelease(chart: Chart, settings: Settings<CommonFields>, values: JsonObject, wait = true): HelmRelease {
  const { version, restarts } = factsOf(chart, settings.chartVersion);
  if (restarts === null) throw new TypeError(`the workloads of ${chart.name} ${version} have no label in common`);
  return { kind: "helm", repository: chart.repository, chart: chart.name, version: settings.chartVersion, values, restarts, wait };
}

/** Returns the facts of a version, or of the newest verified one instead. */
export const factsOf = ({ verified }: Chart, version: string): ChartFacts =>
  verified.find((facts) => facts.version === version) ?? verified[0];

export interface Kustomization {
  readonly kind: "kustomize";
  /** Bases that are applied first, and the resource definition to wait for after each. */
  readonly before: readonly { readonly base: string; readonly definition: string }[];
  readonly base: string;
  /** Entries of `images`. */
  readonly images: readonly JsonObject[];
  readonly patches: readonly Patch[];
  /** Entries of `replacements`; each also fails the build if a field is missing. */
  readonly replacements: readonly JsonObject[];
}
/**
 * An object to merge (strategically), or a list of JSON 6902 operations. Without a target, the object names what it changes, which must
 * exist; with a target, missing objects are ignored.
 */
export interface Patch {
  readonly target: JsonObject | null;
  readonly patch: JsonObject | readonly JsonObject[];
}
/** A strategic merge patch for an existing Deployment, for a platform without a chart. */
export interface DeploymentPatch {
  readonly kind: "deployment";
  readonly patch: JsonObject;
}
export type Release = HelmRelease | Kustomization | DeploymentPatch;

/** A command that migrates a schema, in the image that contains it. */
export interface Migration {
  /** Name of its container. */
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly variables: Variables;
  /** Where the Secret is mounted as files; null if variables contain it. */
  readonly secretPath: string | null;
}

/**
 * How a platform starts outside Kubernetes, with the wiring's variables: from pinned PyPI packages in a separate environment, or from an
 * image.
 */
export type ProcessStart =
  | { readonly kind: "python"; readonly packages: readonly string[]; readonly command: readonly [string, ...string[]] }
  | { readonly kind: "image"; readonly image: string };

/** A client request, for platforms that can reject clients although their probes pass. */
export interface ClientCheck {
  /** Path and query of a request that changes nothing. */
  readonly path: string;
  /** Beginning of the response that rejects the request's Host. */
  readonly refusal: string;
  /** The setting that lists the accepted hosts. */
  readonly setting: string;
}

export interface Health {
  readonly path: string;
  readonly asksDatabase: boolean;
  readonly client: ClientCheck | null;
}

/** Everything that a platform needs in addition to the databases, as plain data; aws, gcp, local and render only deliver it. */
export interface Wiring {
  readonly secret: Readonly<Record<string, SecretTemplate>>;
  readonly release: Release;
  /** Further Kubernetes objects. */
  readonly objects: readonly JsonObject[];
  /** Variables, and files by name, for a process outside Kubernetes. */
  readonly variables: Readonly<Record<string, Variable | ProcessText>>;
  readonly files: Readonly<Record<string, ProcessText>>;
  /** How such a process starts; null if the platform needs more than a database. */
  readonly start: ProcessStart | null;
  /** Migrations by hand, in order; none if there is no command for it. */
  readonly migrate: readonly Migration[];
  /** The HTTP path of its health check, and whether the check queries the database; null if unknown. */
  readonly health: Health | null;
  /** Notes for the person who installs the files, one sentence or more each. */
  readonly notes: readonly string[];
}

/** A platform's definition of its wiring: missing lists and files are empty, `start` and `client` are null. */
export type WiringDefinition = Pick<Wiring, "secret" | "release"> &
  Partial<Omit<Wiring, "health">> & { readonly health: (Omit<Health, "client"> & Partial<Health>) | null };

/** A group of connections: at the peak `pool x processes x replicas`, twice that while a rolling update overlaps, plus the migration's. */
export interface Demand {
  readonly opener: string;
  readonly pool: number;
  readonly processes: number;
  readonly replicas: number;
  readonly overlaps: boolean;
  readonly migration: number;
}

export interface PlatformDatabase {
  readonly name: string;
  readonly extensions: readonly string[];
}

/** Where a platform records its migrations. */
export interface Revision<D extends string = string> {
  /** Key of the platform's database. */
  readonly database: D;
  /** The table with the revision, in schema `public`; if it is missing, nothing has migrated yet. */
  readonly table: string;
  /** SQL expression over the table's rows that returns the newest revision as text. */
  readonly newest: string;
  /** The newest revision of the chosen version; null if unknown. */
  readonly expected: string | null;
}

/** A version of a platform's server that was tested: it migrated an empty database, wrote, got a rotated login, and wrote again. */
export interface ServerVersion {
  /** The beginning of its images' tags. */
  readonly version: string;
  /** The newest revision of its schema. */
  readonly revision: string;
  /** The PyPI packages that start it on this machine; empty if PyPI does not have it. */
  readonly packages: readonly string[];
  /** The verified charts that run it if the spec names no image. */
  readonly charts: readonly string[];
}

/** The verified versions of a platform's server. */
export interface Servers {
  /** Key of the image that decides the version. */
  readonly container: string;
  /** Oldest first. */
  readonly versions: readonly [ServerVersion, ...ServerVersion[]];
}

/** The harm of other programs' tables in a platform's databases. */
export interface ForeignTables {
  /** Tables in schema `public` that the platform creates itself. */
  readonly known: readonly string[];
  /** Table in schema `public` that exists once the platform has migrated; before that, every table is another program's. */
  readonly marker: string;
  /** Table names that it never uses, as a PostgreSQL regular expression. */
  readonly never: string;
  /** What happens with such tables, such as `MLflow does not start`. */
  readonly because: string;
  /** What to do with the program that owns them, in the imperative. */
  readonly remedy: string;
  readonly source: `https://${string}`;
  readonly date: string;
}

/** A chart (or kustomize base) with its verified versions. */
export interface Chart {
  readonly name: string;
  /** Null for a chart in this project. */
  readonly repository: string | null;
  /** Facts of each verified version, newest first; others are rejected until acknowledged, because keys differ between versions and a wrong key can leak a password. */
  readonly verified: readonly [ChartFacts, ...ChartFacts[]];
  readonly supported: {
    /** The oldest version of each line that has these keys, the newest line first. Older versions are an error: their keys are known to differ. */
    readonly oldest: readonly [string, ...string[]];
    /** Whether a commit is allowed instead of a version. Default: no. */
    readonly commits?: boolean;
    readonly form: string;
    /** A supported version that was not verified. */
    readonly unverified: string;
  };
}

/** A rule about a platform's complete settings; its examples are what a person writes. */
export type PlatformRule<F extends Fields = Fields> = Rule<Settings<F & CommonFields>, JsonObject>;

/** A resource in the spec that two platforms of a kind cannot share, such as a Redis. */
export interface Exclusive<F extends Fields = Fields> {
  /** As people write it. */
  readonly what: string;
  readonly because: string;
  readonly source: `https://${string}`;
  readonly date: string;
  /** Returns what a platform uses, by the setting that chooses it, in a normalized form. */
  uses(settings: Settings<F & CommonFields>): Readonly<Record<string, string>>;
  /** Settings with which it uses one. */
  readonly example: JsonObject;
}

/** A platform: plain data, and pure functions of its settings. It is independent of any cloud. */
export interface Platform<F extends Fields = Fields, D extends string = string>
  extends Required<Omit<PlatformDefinition<F, D>, "wire" | "chart" | "imports">> {
  /** Null if no chart installs it. */
  chart(settings: Settings<F & CommonFields>): Chart | null;
  imports(settings: Settings<F & CommonFields>): ImportFacts;
  wire(connection: Connection<D>, settings: Settings<F & CommonFields>): Wiring;
}

/** The definition of a platform; a missing value has the default in its comment. */
export interface PlatformDefinition<F extends Fields = Fields, D extends string = string> {
  /** As people write it: `MLflow`. */
  readonly title: string;
  /** Whether it fits any program that has no platform here. Default: no. */
  readonly fitsAnyProgram?: boolean;
  /** Settings beyond the common ones. */
  readonly fields: F;
  /** Client library, and the form of its database address. */
  readonly driver: { readonly name: string; readonly dialect: string };
  /** The oldest major version of PostgreSQL that it works with. Default: the oldest that this project knows. */
  readonly minimumMajorVersion?: MajorVersion;
  /** The newest major version of PostgreSQL that it was tested with. Default: null, unknown. */
  readonly newestMajorVersion?: MajorVersion | null;
  /** Attributes that its logins need in addition to ownership. Default: none. */
  readonly roleAttributes?: readonly "CREATEDB"[];
  /** Parameters set on its logins, in its databases. They take effect from the login, not from the owner role. Default: none. */
  readonly loginParameters?: Readonly<Record<string, string>>;
  /**
   * Prefixes of variables that users may not set in any list of the chart, and what to do instead. libpq's `PG` is always one, because all
   * five drivers read some of those variables. An entry that ends in `=` is a full name.
   */
  readonly guardedVariables?: Readonly<Record<string, Guard>>;
  /**
   * Options of its programs that users may not set in any spelling, list or text, and what to do instead; one letter means a short option,
   * such as `w` for `-w`. Default: none.
   */
  readonly guardedOptions?: Readonly<Record<string, Guard>>;
  /** Whether it ignores case in its variables, as Pydantic does. Default: no. */
  readonly variablesInAnyCase?: boolean;
  /** Values of its chart, as keys joined by dots, that other programs read: a proxy, a subchart. Default: none. */
  readonly otherPrograms?: readonly string[];
  /** Directories in which users may not mount files, in addition to those that the wiring mounts. Default: none. */
  readonly guardedDirectories?: readonly string[];
  /** Why two platforms of this kind cannot run in one cluster. Default: null, they can. */
  readonly oncePerCluster?: { readonly because: string; readonly source: `https://${string}`; readonly date: string } | null;
  /** What two platforms of this kind cannot share. Default: null, nothing. */
  readonly exclusive?: Exclusive<F> | null;
  /** The harm of other programs' tables in its databases. Default: null, none. */
  readonly foreignTables?: ForeignTables | null;
  /** Default: none. */
  readonly rules?: readonly PlatformRule<F>[];
  // Methods, not properties: parameters of methods are bivariant, so a registry of unlike platforms needs no `any`.
  /** Default: none. */
  chart?(settings: Settings<F & CommonFields>): Chart;
  /** Service accounts of its pods if they cannot be chosen. Default: none, the setting `serviceAccount` chooses. */
  serviceAccounts?(settings: Settings<F & CommonFields>): readonly string[];
  /** Whether a sidecar in its pods starts before everything that logs in, including migrations. Default: no. */
  sidecarBeforeMigrations?(settings: Settings<F & CommonFields>): boolean;
  databases(settings: Settings<F & CommonFields>): Readonly<Record<D, PlatformDatabase>>;
  /** Default: null, none was verified by its version. */
  servers?(settings: Settings<F & CommonFields>): Servers | null;
  /** Default: none. */
  revisions?(settings: Settings<F & CommonFields>): readonly Revision<NoInfer<D>>[];
  /** What an import of existing data needs to know. Default: imports only from another PostgreSQL. */
  imports?(settings: Settings<F & CommonFields>): Partial<ImportFacts>;
  /** Whether it works behind a pooler in transaction mode, and with which changes. */
  transactionPooling(settings: Settings<F & CommonFields>): { readonly works: boolean; readonly note: string };
  /** Containers whose image the spec may replace. Default: none. */
  images?(settings: Settings<F & CommonFields>): readonly string[];
  /** Facts about their images, by container. Default: none. */
  imageFacts?(settings: Settings<F & CommonFields>): Readonly<Record<string, ImageFacts>>;
  /**
   * Chart values that users may not set, and what to do instead. The values that `wire` writes are guarded anyway; list the other ways to
   * change the connection or to open connections, and the settings that replace guarded values. The nearest guard counts. Default: none.
   */
  guarded?(settings: Settings<F & CommonFields>): readonly Guards[];
  connections(settings: Settings<F & CommonFields>): readonly Demand[];
  /** Connections to the instance's first read replica, if it has one. Default: none, it reads from the primary. */
  readerConnections?(settings: Settings<F & CommonFields>): readonly Demand[];
  wire(connection: Connection<D>, settings: Settings<F & CommonFields>): WiringDefinition;
}

export type Platforms = Readonly<Record<string, Platform>>;

/** The `chart` of a platform that no chart installs. */
export const NO_CHART = (): null => null;

/** Completes a platform, and infers the types of its settings and databases. */
export function definePlatform<F extends Fields, D extends string>(platform: PlatformDefinition<F, D>): Platform<F, D> {
  return {
    minimumMajorVersion: MAJOR_VERSIONS[0],
    newestMajorVersion: null,
    roleAttributes: [],
    loginParameters: {},
    fitsAnyProgram: false,
    oncePerCluster: null,
    exclusive: null,
    foreignTables: null,
    rules: [],
    chart: NO_CHART,
    serviceAccounts: () => [],
    sidecarBeforeMigrations: () => false,
    servers: () => null,
    revisions: () => [],
    images: NO_IMAGES,
    imageFacts: () => ({}),
    guarded: () => [],
    guardedOptions: {},
    guardedDirectories: [],
    variablesInAnyCase: false,
    otherPrograms: [],
    readerConnections: () => [],
    ...platform,
    imports: (settings) => completeImport(platform.imports?.(settings) ?? {}),
    guardedVariables: { PG: THE_CONNECTION, ...platform.guardedVariables },
    wire: (connection, settings) => completeWiring(platform.wire(connection, settings)),
  };
}

const completeWiring = (wiring: WiringDefinition): Wiring => ({
  objects: [],
  variables: {},
  files: {},
  start: null,
  migrate: [],
  notes: [],
  ...wiring,
  health: wiring.health && { client: null, ...wiring.health },
});

export type PlatformSettings<P> = P extends Platform<infer F, string> ? Settings<F & CommonFields> : never;
