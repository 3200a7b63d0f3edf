import type { Violation } from "./errors";
import { type Fields, map, nullable, type Settings, text, type Written } from "./fields";
import type { InstanceSettings, InstanceSpec } from "./instance";
import { NAME } from "./names";
import type { Access, CommonFields, Platform, PlatformSettings, Platforms, Revision, TlsMode } from "./platform";
import type { Target } from "./target";

/** The sections of a spec that say what already exists on a target, by the target's name. */
export const SECTION_NAMES = ["aws", "gcp"] as const;

const label = text({ pattern: /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/, form: "1 to 63 of a-z, 0-9, '.', '_' and hyphens" });

/** What an environment has besides instances and platforms. */
export const environmentFields = {
  /** Name of the environment; it stands in the names of everything that is created. */
  name: text(NAME),
  /** Labels (tags) on everything that is created. */
  labels: map(label, { pattern: /^[a-z][a-z0-9_-]{0,62}$/, form: "1 to 63 of a-z, 0-9, _ and hyphens, starting with a letter" }),
  /** Team that answers for it. */
  owner: nullable(text({ pattern: /\S/, form: "a team's name" })),
  /** Rules that are refused until a reason is given: rule id to reason. */
  acknowledge: map(text({ pattern: /\S.{9,}/, form: "a reason of at least ten characters" }), {
    pattern: /^[a-z0-9-]+$/,
    form: "a rule's id",
  }),
};

type PlatformSpec<P> = P extends Platform<infer F, string> ? Written<F & CommonFields> : never;

/** What a person writes, without the targets' sections. */
export interface CoreSpec<P extends Platforms> {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: string | null;
  readonly acknowledge?: Readonly<Record<string, string>>;
  /** PostgreSQL servers, by name. */
  readonly instances: Readonly<Record<string, InstanceSpec>>;
  /** Platforms, by name: any subset. */
  readonly platforms: { readonly [K in keyof P]?: PlatformSpec<P[K]> };
}

/** What a person writes, with one optional section per target. */
export type Spec<P extends Platforms, T extends Readonly<Record<string, Target>>> = CoreSpec<P> & {
  readonly [K in keyof T]?: Written<T[K]["section"]>;
};

/** One of the two logins of a platform. */
export interface Login {
  readonly name: string;
  readonly connectionLimit: number;
}

/** A platform's part of an instance: what provisioning creates. */
export interface Tenant {
  /** The role that owns the databases and everything in them. It cannot log in. */
  readonly owner: string;
  readonly logins: readonly [Login, Login];
  /** Without duplicates: two keys of a platform may name one database. */
  readonly databases: readonly { readonly name: string; readonly extensions: readonly string[] }[];
  /** Whether the logins may create databases. */
  readonly createDatabase: boolean;
  /** Parameters set on the logins, in these databases. */
  readonly loginParameters: Readonly<Record<string, string>>;
  /** The secret's id in the secret store. */
  readonly secret: string;
  /** Where the platform notes how far its migrations are; with names of databases in the place of keys. */
  readonly revisions: readonly Revision[];
}

export interface ResolvedInstance {
  readonly settings: InstanceSettings;
  readonly maxConnections: number;
  readonly reservedConnections: number;
  /** By platform. */
  readonly tenants: Readonly<Record<string, Tenant>>;
}

export interface ResolvedPlatform<S> {
  readonly settings: S;
  readonly instance: string;
  readonly access: Exclude<Access, "auto">;
  readonly tls: TlsMode;
  /** Most connections at a time. */
  readonly peak: number;
  /** Database names by the platform's keys. */
  readonly databases: Readonly<Record<string, string>>;
}

/** A spec, checked and complete. Plain data, deeply frozen; `resolve(environment.spec)` equals it. */
export interface Environment<P extends Platforms = Platforms> {
  readonly spec: CoreSpec<P>;
  readonly name: string;
  readonly target: string;
  /** The target's own section, complete. */
  readonly section: Settings<Fields>;
  readonly instances: Readonly<Record<string, ResolvedInstance>>;
  readonly platforms: { readonly [K in keyof P]?: ResolvedPlatform<PlatformSettings<P[K]>> };
  /** What is allowed but should be known. */
  readonly warnings: readonly Violation[];
}
