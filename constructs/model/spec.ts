import type { Access, CommonFields } from "./common-fields";
import type { Violation } from "./errors";
import { type Elsewhere, type Fields, integer, map, nullable, type Settings, text, type Written } from "./fields";
import type { InstanceSettings, InstanceSpec } from "./instance";
import type { Json, JsonObject } from "./json";
import { NAME } from "./names";
import type { OwnInstance, OwnInstances } from "./own-instance";
import type { Platform, PlatformSettings, Platforms, Revision, TlsMode } from "./platform";
import { inAnyCase } from "./schema";
import type { Target } from "./target";

/** The characters that AWS accepts in a tag; Google Cloud accepts fewer. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Tag.html */
const TAG = "[\\p{L}\\p{N} _.:/=+@-]";
const TAG_FORM = "letters, digits, spaces and _ . : / = + - @";
const label = text({ pattern: new RegExp(`^${TAG}{1,256}$`, "u"), form: `1 to 256 ${TAG_FORM}` });

/** Settings of an environment in addition to instances and platforms. */
export const environmentFields = {
  /** Name of the environment; the names of all created resources contain it. */
  name: text(NAME),
  /**
   * Labels (tags) on all created resources. AWS accepts text such as `Owner: "Data Platform"`; Google Cloud accepts only lower case, digits, _
   * and hyphens, up to 63 characters.
   *
   * @defaultValue `{}`
   */
  labels: map(label, {
    pattern: new RegExp(`^(?!${inAnyCase("aws")}:|${inAnyCase("rds")}:)${TAG}{1,128}$`, "u"),
    form: `1 to 128 ${TAG_FORM}, not starting with aws: or rds:`,
  }),
  /** The team that is responsible for it. @defaultValue `null` */
  owner: nullable(text({ pattern: /\S/, form: "a team's name" })),
  /**
   * US dollars that the environment may cost per month, by the list prices that `npm run plan` knows. The plan warns above this limit; it
   * creates nothing in the cloud.
   *
   * @defaultValue `null`
   */
  monthlyCostLimitUsd: nullable(integer({ min: 1, max: 10_000_000 })),
  /** Reasons for settings that rules would otherwise reject or warn about, by rule ID. @defaultValue `{}` */
  acknowledge: map(text({ pattern: /\S.{9,}/u, form: "a reason of at least ten characters" }), {
    pattern: /^[a-z0-9-]+$/,
    form: "a rule's ID",
  }),
};

/** Names of an environment's settings in other tools. */
export const ENVIRONMENT_ELSEWHERE: Elsewhere = new Map([
  ["tags", "use labels"],
  ...["costlimit", "budget", "monthlybudget", "monthlycostlimit"].map((key) => [key, "use monthlyCostLimitUsd"] as const),
  ...["region", "project", "account", "vpc", "network"].map((key) => [key, "write it into the section of the cloud, aws or gcp"] as const),
]);

/** What a person writes of one platform. */
export type PlatformSpec<P> = P extends Platform<infer F, string> ? Written<F & CommonFields> : never;

/** What a person writes of a platform of kind `K`. */
type KindSpec<P extends Platforms, K extends keyof P> = PlatformSpec<P[K]> & { readonly platform?: K };
type AnySpec<P extends Platforms> = { readonly [K in keyof P]: KindSpec<P, K> }[keyof P];

/** Every kind, and any other name. */
type Names<P extends Platforms> = { readonly [K in keyof P]: unknown } & { readonly [name: string]: unknown };

/** The kind of a platform: `platform`, otherwise its name. */
type KindOf<P extends Platforms, K, W> = W extends { readonly platform: infer J extends keyof P } ? J : K extends keyof P ? K : never;

/** What a person writes, without the targets' sections. */
export interface CoreSpec<P extends Platforms> extends Written<typeof environmentFields> {
  /** PostgreSQL servers, by name. */
  readonly instances: Readonly<Record<string, InstanceSpec>>;
  /** Platforms, by name: the name of a kind, such as `mlflow`, or another name and `platform`, several of one kind. */
  readonly platforms: { readonly [K in keyof Names<P>]?: K extends keyof P ? KindSpec<P, K> : AnySpec<P> };
}

/** What a person writes, with one optional section per target. */
export type Spec<P extends Platforms, T extends Readonly<Record<string, Target>>> = CoreSpec<P> & {
  readonly [K in keyof T]?: Written<T[K]["section"]>;
};

/** What a person writes for one target: its section is required if it has fields. Sections of others are free data, if they are allowed. */
export type SpecOn<P extends Platforms, X extends Fields, N extends string, O extends string> = CoreSpec<P> &
  (string extends N ? unknown : [keyof X] extends [never] ? unknown : { readonly [K in N]: Written<X> }) & {
    readonly [K in Exclude<O, N>]?: JsonObject;
  };

type KeysOf<W> = W extends readonly unknown[] ? never : W extends object ? keyof W : never;
type At<W, K> = W extends readonly unknown[] ? never : W extends object ? (K extends keyof W ? W[K] : never) : never;

/** Whether any data may be written, as in `values`. */
type IsFree<W> = string extends keyof W ? (Json extends W[keyof W] ? true : false) : false;

/** A written type `S` in which a key that `W` lacks accepts no value, so that the compiler also rejects misspelt keys of a `const`. */
export type Exact<S, W> = S extends string | number | boolean | null | undefined
  ? S
  : IsFree<NonNullable<W>> extends true
    ? S
    : S extends readonly (infer E)[]
      ? W extends readonly (infer V)[]
        ? readonly Exact<E, V>[]
        : never
      : { readonly [K in keyof S]: K extends KeysOf<W> ? Exact<S[K], At<W, K>> : `unknown key: ${K & string}` };

/** The platforms of a spec, each with the settings of its kind: no setting of another kind, and no unknown name without `platform`. */
export type ExactPlatforms<P extends Platforms, S extends { readonly platforms: unknown }> =
  IsAny<S["platforms"]> extends true
    ? unknown
    : {
        readonly platforms: {
          readonly [K in keyof S["platforms"]]: [KindOf<P, K, S["platforms"][K]>] extends [never]
            ? `unknown platform: ${K & string}`
            : KindSpec<P, KindOf<P, K, NonNullable<S["platforms"][K]>>>;
        };
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
  /** The secret's ID in the secret store. */
  readonly secret: string;
  /** Where the platform records its migrations; with names of databases instead of keys. */
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
  /** Its kind: a key of the registry. */
  readonly kind: string;
  readonly settings: S;
  readonly instance: string;
  readonly access: Exclude<Access, "auto">;
  readonly tls: TlsMode;
  /** Most connections at a time, to the primary. */
  readonly peak: number;
  /** Most connections at a time, to the instance's first read replica; 0 if the platform does not read from one. */
  readonly readerPeak: number;
  /** Database names by the platform's keys. */
  readonly databases: Readonly<Record<string, string>>;
}

/** Platforms of a spec whose type is `W`: those that it leaves open, or may set to undefined, may be missing. */
type ResolvedPlatforms<P extends Platforms, W> = {
  readonly [K in keyof W]: ResolvedPlatform<SettingsOf<P, KindOf<P, K, NonNullable<W[K]>>>> | (undefined extends W[K] ? undefined : never);
};
type SettingsOf<P extends Platforms, K extends keyof P> = [K] extends [never] ? Settings<CommonFields> : PlatformSettings<P[K]>;

/** Whether a type is `any`, such as that of parsed JSON. */
type IsAny<T> = 0 extends 1 & T ? true : false;

/** `S["platforms"]`; all may be missing where it is `any`. */
export type PlatformsOf<S extends { readonly platforms: unknown }, P extends Platforms> =
  IsAny<S["platforms"]> extends true ? { readonly [K in keyof Names<P>]?: unknown } : S["platforms"];

/** Names of the instances of a spec; any name where some may be missing. */
export type InstancesOf<I> = { [K in keyof I]: undefined extends I[K] ? K : never }[keyof I] extends never ? keyof I & string : string;

/** A target's section; its `instances` have the names of the environment's instances. */
type Section<X extends Fields, I extends string> = {
  readonly [K in keyof X]: X[K] extends OwnInstances<infer F> ? Readonly<Record<I, OwnInstance<F>>> : Settings<X>[K];
};

/**
 * A spec, checked and complete. Plain data, deeply frozen; `resolve(environment.spec)` equals it.
 *
 * `X` are the fields of the target's section; `I` names the instances and `W` has a key for each platform, where a spec is known at
 * compile time.
 */
export interface Environment<
  P extends Platforms = Platforms,
  X extends Fields = Fields,
  I extends string = string,
  W = { readonly [K in keyof Names<P>]?: unknown },
> {
  readonly spec: CoreSpec<P>;
  readonly name: string;
  readonly target: string;
  /** The target's own section, complete. */
  readonly section: Section<X, I>;
  readonly instances: Readonly<Record<I, ResolvedInstance>>;
  readonly platforms: ResolvedPlatforms<P, W>;
  /** Findings that are allowed but worth knowing. */
  readonly warnings: readonly Violation[];
}
