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
  /** `raw` as it is; `url` percent-encoded; `dsn` as a value of libpq's keyword/value string. */
  readonly encoding: "raw" | "url" | "dsn";
}

/** A process variable: a text, a key of the Secret, or the path of the CA's file. */
export type Variable = string | { readonly secretKey: string } | { readonly caFile: true };
export type Variables = Readonly<Record<string, Variable>>;

/** A text for a process outside Kubernetes: literals, fields of the credential, the path of the CA's file, or of another of the platform's files. */
export type ProcessText = readonly (string | SecretField | { readonly caFile: true } | { readonly file: string })[];

/** How the database's certificate is verified. `proxy`: a proxy does it, and the last hop, to it, is plain text. */
export type Tls =
  | {
      readonly mode: "verify-full" | "verify-ca";
      readonly ca: { readonly configMap: string; readonly key: string; readonly mountPath: string };
    }
  | { readonly mode: "proxy"; readonly sidecar: JsonObject | null };
export type TlsMode = Tls["mode"];

/** Where a server listens. `host` is as opaque as a connection's. */
export interface Listener {
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * Where a platform connects and which Secret it reads. There is no password in it, and no user name: rotation changes both.
 *
 * `host` is opaque (a late-bound token on some targets): it is carried, never parsed, compared or encoded.
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
  /** What its pods run as; null lets the chart make one. A proxy beside them needs one that the cloud knows. */
  readonly serviceAccount: string | null;
  readonly tls: Tls;
}

export interface HelmRelease {
  readonly kind: "helm";
  /** Null for a chart of this project's own: the folder `chart` beside the platform. */
  readonly repository: string | null;
  readonly chart: string;
  readonly version: string;
  readonly values: JsonObject;
  /** What reads the Secret: kinds of workloads, and the label that has the release's name on them. */
  readonly restarts: NonNullable<ChartFacts["restarts"]>;
  /** Whether an installer may wait until the pods are ready; false where a hook that runs later is what makes them ready. */
  readonly wait: boolean;
}

/** A release of a Helm chart. @param wait see `HelmRelease`. */
export function helmRelease(chart: Chart, settings: Settings<CommonFields>, values: JsonObject, wait = true): HelmRelease {
  const { version, restarts } = factsOf(chart, settings.chartVersion);
  if (restarts === null) throw new TypeError(`the workloads of ${chart.name} ${version} have no label in common`);
  return { kind: "helm", repository: chart.repository, chart: chart.name, version: settings.chartVersion, values, restarts, wait };
}

/** What is known of a version, or of the newest verified one in its place. */
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
  /** Entries of `replacements`, each of which also fails the build where a field is missing. */
  readonly replacements: readonly JsonObject[];
}
/**
 * An object to merge (strategically), or a list of JSON 6902 operations. Without a target the object names what it changes, and that
 * has to be there; with a target, what is not there is left alone.
 */
export interface Patch {
  readonly target: JsonObject | null;
  readonly patch: JsonObject | readonly JsonObject[];
}
/** No chart: what an existing Deployment needs, as a strategic merge patch. */
export interface DeploymentPatch {
  readonly kind: "deployment";
  readonly patch: JsonObject;
}
export type Release = HelmRelease | Kustomization | DeploymentPatch;

/** A command that brings a schema up to date, in the image that carries it. */
export interface Migration {
  /** Name of its container. */
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly variables: Variables;
  /** Where the Secret is mounted as files; null where variables carry it. */
  readonly secretPath: string | null;
}

/**
 * How a platform starts outside Kubernetes, with the wiring's variables: from pinned packages of PyPI, in an environment that holds
 * nothing else, or from an image.
 */
export type ProcessStart =
  | { readonly kind: "python"; readonly packages: readonly string[]; readonly command: readonly [string, ...string[]] }
  | { readonly kind: "image"; readonly image: string };

/** A request of a platform's clients, if the platform may reject clients while it answers its probes. */
export interface ClientCheck {
  /** Path and query of a request that changes nothing. */
  readonly path: string;
  /** Beginning of the answer that rejects the request's Host. */
  readonly refusal: string;
  /** The setting that lists the hosts it answers. */
  readonly setting: string;
}

export interface Health {
  readonly path: string;
  readonly asksDatabase: boolean;
  readonly client: ClientCheck | null;
}

/** Everything a platform needs besides the databases, as plain data; aws, gcp, local and render only deliver it. */
export interface Wiring {
  readonly secret: Readonly<Record<string, SecretTemplate>>;
  readonly release: Release;
  /** Further Kubernetes objects. */
  readonly objects: readonly JsonObject[];
  /** What a process needs that runs outside Kubernetes: its variables, and files by name. */
  readonly variables: Readonly<Record<string, Variable | ProcessText>>;
  readonly files: Readonly<Record<string, ProcessText>>;
  /** How such a process starts; null where the platform needs more than a database. */
  readonly start: ProcessStart | null;
  /** Migration by hand, in order; none where there is no command for it. */
  readonly migrate: readonly Migration[];
  /** The HTTP path that says whether it works, and whether answering it takes a query; null where that is not known. */
  readonly health: Health | null;
  /** What whoever installs the files has to know, a sentence each. */
  readonly notes: readonly string[];
}

/** What a platform states of its wiring: lists and files that are left out are empty, `start` and `client` null. */
export type WiringDefinition = Pick<Wiring, "secret" | "release"> &
  Partial<Omit<Wiring, "health">> & { readonly health: (Omit<Health, "client"> & Partial<Health>) | null };

/** What opens connections: at the peak `pool x processes x replicas`, twice that while a rolling update overlaps, plus the migration's. */
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

/** Where a platform notes how far its migrations are. */
export interface Revision<D extends string = string> {
  /** Key of the platform's database. */
  readonly database: D;
  /** The table, in schema `public`, that holds it; where it is missing nothing has migrated yet. */
  readonly table: string;
  /** SQL expression over the table's rows: the newest revision, a text. */
  readonly newest: string;
  /** The newest revision of the chosen version; null where that is not known. */
  readonly expected: string | null;
}

/** A version of a platform's server that was run for real: it migrated an empty database, wrote, got a rotated login, and wrote again. */
export interface ServerVersion {
  /** The beginning of its images' tags. */
  readonly version: string;
  /** The newest revision of its schema. */
  readonly revision: string;
  /** What starts it on this machine, from PyPI; empty if PyPI does not have it. */
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

/** What other programs' tables in a platform's databases break. */
export interface ForeignTables {
  /** Tables in schema `public` that the platform creates itself. */
  readonly known: readonly string[];
  /** Table in schema `public` that the platform has once it has migrated: before, every table is another program's. */
  readonly marker: string;
  /** Names that it never gives to a table, as a regular expression of PostgreSQL. */
  readonly never: string;
  /** What happens with others, such as `MLflow does not start`. */
  readonly because: string;
  /** What to do for the program that they belong to, in the imperative. */
  readonly remedy: string;
  readonly source: `https://${string}`;
  readonly date: string;
}

/** A chart (or kustomize base), and the versions it was verified in. */
export interface Chart {
  readonly name: string;
  /** Null for a chart of this project's own. */
  readonly repository: string | null;
  /** What is known of each verified version, newest first; others are refused until acknowledged, because keys differ between versions and a wrong key can leak a password. */
  readonly verified: readonly [ChartFacts, ...ChartFacts[]];
  readonly supported: {
    /** The oldest version of each line that has these keys, the newest line first. Older versions are an error: their keys are known to differ. */
    readonly oldest: readonly [string, ...string[]];
    /** Whether a commit may stand in a version's place. Default: no. */
    readonly commits?: boolean;
    readonly form: string;
    /** A version that is supported, and that nobody verified. */
    readonly unverified: string;
  };
}

/** A rule of a platform: about its complete settings; its examples are what a person writes. */
export type PlatformRule<F extends Fields = Fields> = Rule<Settings<F & CommonFields>, JsonObject>;

/** Something that the spec names and two platforms of a kind cannot share, such as a Redis. */
export interface Exclusive<F extends Fields = Fields> {
  /** As people write it. */
  readonly what: string;
  readonly because: string;
  readonly source: `https://${string}`;
  readonly date: string;
  /** What a platform uses, by the setting that chooses it: one text for each, however a person writes it. */
  uses(settings: Settings<F & CommonFields>): Readonly<Record<string, string>>;
  /** Settings with which it uses one. */
  readonly example: JsonObject;
}

/** A platform: plain data, and pure functions of its settings. It knows no cloud. */
export interface Platform<F extends Fields = Fields, D extends string = string>
  extends Required<Omit<PlatformDefinition<F, D>, "wire" | "chart" | "imports">> {
  /** Null where no chart installs it. */
  chart(settings: Settings<F & CommonFields>): Chart | null;
  imports(settings: Settings<F & CommonFields>): ImportFacts;
  wire(connection: Connection<D>, settings: Settings<F & CommonFields>): Wiring;
}

/** What is stated about a platform; what is left out has the default that its comment names. */
export interface PlatformDefinition<F extends Fields = Fields, D extends string = string> {
  /** As people write it: `MLflow`. */
  readonly title: string;
  /** Whether it is for every program that no other platform is for. Default: no. */
  readonly fitsAnyProgram?: boolean;
  /** Settings beyond the common ones. */
  readonly fields: F;
  /** Client library, and how it writes a database's address. */
  readonly driver: { readonly name: string; readonly dialect: string };
  /** The oldest major version of PostgreSQL that it works with. Default: the oldest that this project knows. */
  readonly minimumMajorVersion?: MajorVersion;
  /** The newest major version of PostgreSQL that it was run on. Default: null, which is not known. */
  readonly newestMajorVersion?: MajorVersion | null;
  /** What its logins need beyond ownership. Default: nothing. */
  readonly roleAttributes?: readonly "CREATEDB"[];
  /** Parameters set on its logins, in its databases. They take effect from the login, not from the owner role. Default: none. */
  readonly loginParameters?: Readonly<Record<string, string>>;
  /**
   * Beginnings of the names of variables that nobody may set, in whichever list of the chart, and what to do instead. libpq's `PG` is
   * always one: every driver of the five reads some of those variables. One that ends in `=` is a whole name.
   */
  readonly guardedVariables?: Readonly<Record<string, Guard>>;
  /**
   * Options of its programs that nobody may set, in whichever spelling, list or text, and what to do instead; one letter stands for a short
   * option, such as `w` for `-w`. Default: none.
   */
  readonly guardedOptions?: Readonly<Record<string, Guard>>;
  /** Whether it reads its own variables in any case, as Pydantic does. Default: no. */
  readonly variablesInAnyCase?: boolean;
  /** Values of its chart, their keys joined by dots, that other programs read: a proxy, a subchart. Default: none. */
  readonly otherPrograms?: readonly string[];
  /** Directories in which nobody may mount files, besides those that the wiring mounts. Default: none. */
  readonly guardedDirectories?: readonly string[];
  /** Why two of it cannot run in one cluster. Default: null, they can. */
  readonly oncePerCluster?: { readonly because: string; readonly source: `https://${string}`; readonly date: string } | null;
  /** What two of it cannot share. Default: null, nothing. */
  readonly exclusive?: Exclusive<F> | null;
  /** What other programs' tables in its databases break. Default: null, nothing. */
  readonly foreignTables?: ForeignTables | null;
  /** Default: none. */
  readonly rules?: readonly PlatformRule<F>[];
  // Methods, not properties: parameters of methods are bivariant, so a registry of unlike platforms needs no `any`.
  /** Default: none. */
  chart?(settings: Settings<F & CommonFields>): Chart;
  /** Service accounts that its pods run as where they cannot be chosen. Default: none, the setting `serviceAccount` chooses. */
  serviceAccounts?(settings: Settings<F & CommonFields>): readonly string[];
  /** Whether a sidecar in its pods starts before everything that logs in, migrations included. Default: no. */
  sidecarBeforeMigrations?(settings: Settings<F & CommonFields>): boolean;
  databases(settings: Settings<F & CommonFields>): Readonly<Record<D, PlatformDatabase>>;
  /** Default: null, none was verified by its version. */
  servers?(settings: Settings<F & CommonFields>): Servers | null;
  /** Default: none. */
  revisions?(settings: Settings<F & CommonFields>): readonly Revision<NoInfer<D>>[];
  /** What importing existing data takes to know of it. Default: it comes from another PostgreSQL only. */
  imports?(settings: Settings<F & CommonFields>): Partial<ImportFacts>;
  /** Whether it works behind a pooler in transaction mode, and what it then takes. */
  transactionPooling(settings: Settings<F & CommonFields>): { readonly works: boolean; readonly note: string };
  /** Containers whose image the spec may replace. Default: none. */
  images?(settings: Settings<F & CommonFields>): readonly string[];
  /** What is known of their images, by container. Default: nothing. */
  imageFacts?(settings: Settings<F & CommonFields>): Readonly<Record<string, ImageFacts>>;
  /**
   * Chart values that nobody may set, and what to do instead. What `wire` writes is guarded anyway; here stand the other ways to decide
   * the connection or to open connections, and the settings that govern what is guarded. The nearest guard counts. Default: none.
   */
  guarded?(settings: Settings<F & CommonFields>): readonly Guards[];
  connections(settings: Settings<F & CommonFields>): readonly Demand[];
  /** The same on the instance's first read replica, if it has one. Default: none, it reads from the primary. */
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
