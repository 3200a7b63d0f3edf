import type { Access, CommonFields } from "./common-fields";
import type { Elsewhere, Fields, Settings, Written } from "./fields";
import type { InstanceSettings, InstanceSpec } from "./instance";
import type { JsonObject } from "./json";
import type { PlatformDatabase, TlsMode } from "./platform";
import type { Rule } from "./rule";

/** How a platform's pods reach the database. */
export interface Topology {
  readonly access: Exclude<Access, "auto">;
  readonly tls: TlsMode;
  /** A warning about this way of access; null if there is none. */
  readonly caution: Advice | null;
}

/** What decides a topology, in addition to the spec's `access`. */
export interface Placement<X extends Fields> {
  /** Whether the chart can start a sidecar before everything that logs in. */
  readonly sidecarBeforeMigrations: boolean;
  readonly section: Settings<X>;
  /** Name of the platform's instance. */
  readonly instance: string;
  readonly settings: InstanceSettings;
}

/** The problem with a way of access, and what to write instead. */
export interface Advice {
  readonly rule: string;
  readonly remedy: string;
}

export type InstanceRule = Rule<InstanceSettings, InstanceSpec>;

/** A rule about instances that this project creates: it does not apply to existing databases. */
export const created = (rule: InstanceRule): InstanceRule => ({
  ...rule,
  check: (instance, path) => (instance.existing === null ? rule.check(instance, path) : []),
});

/** A platform as rules about a whole environment see it. Null values are undecided, which was reported. */
export interface WholePlatform {
  readonly settings: Pick<Settings<CommonFields>, "namespace" | "release" | "serviceAccount"> & {
    /** Only for kinds that support it. */
    readonly readFromReplica?: boolean;
    readonly values?: JsonObject;
  };
  readonly instance: string | null;
  readonly access: Topology["access"] | null;
  /** Service accounts that its pods run as, if its chart has named them. */
  readonly serviceAccounts: readonly string[];
  readonly databases: readonly PlatformDatabase[];
  /** Of all its databases. */
  readonly extensions: readonly string[];
}

/** The subject of rules about several parts of an environment: its names and labels, the target's section, all instances and platforms. */
export interface Whole<X extends Fields> {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly owner: string | null;
  readonly section: Settings<X>;
  readonly instances: Readonly<Record<string, InstanceSettings>>;
  readonly platforms: Readonly<Record<string, WholePlatform>>;
}
export type WholeRule<X extends Fields> = Rule<
  Whole<X>,
  Partial<Pick<Whole<X>, "name" | "labels" | "owner">> & {
    readonly section: Written<X>;
    readonly instances?: Readonly<Record<string, InstanceSpec>>;
    /** By default, each has its own namespace and pods with a proxy sidecar, on instance `at`. */
    readonly platforms?: Readonly<Record<string, Partial<Omit<WholePlatform, "settings"> & WholePlatform["settings"]>>>;
  }
>;

/** A host of PostgreSQL as plain data: what it accepts, and how it sizes a server. It creates nothing. */
export interface Target<X extends Fields = Fields, N extends string = string> {
  readonly name: N;
  /** The fields of its own section of the spec. */
  readonly section: X;
  /** Names of the section's settings in other tools. */
  readonly elsewhere?: Elsewhere;
  readonly rules: readonly InstanceRule[];
  /** Rules about its section, alone or together with instances; their paths begin at the top of the spec. */
  readonly wholeRules: readonly WholeRule<X>[];
  /** Connections that platforms cannot have: for superusers, for the vendor, for provisioning and `doctor`. */
  readonly reservedConnections: number;
  /** Connections that an instance's parameters reserve beyond these; by default none can. */
  reservedByParameters?(instance: InstanceSettings): number;
  /** The server's `max_connections` if the spec does not set it: derived from the instance's memory, never from the platforms. */
  maxConnections(instance: InstanceSettings): number;
  topology(access: Access, placement: Placement<X>): Topology | Advice;
}

/** Infers the types of a target's section and name. */
export function defineTarget<X extends Fields, const N extends string>(target: Target<X, N>): Target<X, N> {
  return target;
}
