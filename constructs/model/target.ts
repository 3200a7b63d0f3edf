import type { Fields, Settings, Written } from "./fields";
import type { InstanceSettings, InstanceSpec } from "./instance";
import type { Access, TlsMode } from "./platform";
import type { Rule } from "./rule";

/** How a platform's pods reach the database: decided, not assumed. */
export interface Topology {
  readonly access: Exclude<Access, "auto">;
  readonly tls: TlsMode;
  /** What the spec asks for and this target does not show; null where it does all. */
  readonly unshown: string | null;
}

/** Why a way of access is impossible on this target, and what to write instead. */
export interface Impossible {
  readonly rule: string;
  readonly remedy: string;
}

export type InstanceRule = Rule<InstanceSettings, InstanceSpec>;

/** What rules about more than one part of an environment look at: a target's own section, and all instances. */
export interface Whole<X extends Fields> {
  readonly section: Settings<X>;
  readonly instances: Readonly<Record<string, InstanceSettings>>;
}
export type WholeRule<X extends Fields> = Rule<
  Whole<X>,
  { readonly section: Written<X>; readonly instances?: Readonly<Record<string, InstanceSpec>> }
>;

/** A host of PostgreSQL as plain data: what it accepts, and how it sizes a server. It creates nothing. */
export interface Target<X extends Fields = Fields> {
  readonly name: string;
  /** The fields of its own section of the spec. */
  readonly section: X;
  readonly rules: readonly InstanceRule[];
  /** About its section, alone or together with instances; their paths begin at the spec's top. */
  readonly wholeRules: readonly WholeRule<X>[];
  /** Connections that platforms cannot have: for superusers, for the vendor, for provisioning and `doctor`. */
  readonly reservedConnections: number;
  /** The server's `max_connections` where the spec does not set it: from the instance's memory, never from the platforms. */
  maxConnections(instance: InstanceSettings): number;
  topology(access: Access, sidecarBeforeMigrations: boolean): Topology | Impossible;
}

export function defineTarget<X extends Fields>(target: Target<X>): Target<X> {
  return target;
}
