import * as pulumi from "@pulumi/pulumi";
import { formatViolation, UserError } from "../model/errors";
import { mapValues } from "../model/json";
import { resolveUnknown } from "../model/resolve";
import type { Exact, ExactPlatforms, SpecOn } from "../model/spec";
import type { TeamRule } from "../model/team-rule";
import type { Wired } from "../model/wire";
import { platforms } from "../platforms/registry";
import type { Postgres } from "./cloud-sql-postgres";
import { createEnvironment, outputsOf } from "./parts/create";
import { type GcpEnvironment, tellExamples } from "./parts/gcp-environment";
import { createProviders } from "./parts/providers";
import { checkProvider } from "./provider-version";
import type { gcpFields } from "./section";
import { gcp } from "./target";

/** A spec for Google Cloud, as a person writes it. */
export type GcpSpec = SpecOn<typeof platforms, typeof gcpFields, "gcp", never>;

export interface PostgresEnvironmentArgs<S extends GcpSpec = GcpSpec> {
  /** The spec: `name`, `gcp`, `instances` and `platforms`. The compiler rejects misspelt keys. */
  readonly spec: S & Exact<S, GcpSpec> & ExactPlatforms<typeof platforms, S>;
  /** Your team's rules, added to this project's. @defaultValue none */
  readonly rules?: readonly TeamRule[];
}

/** A platform's part of an environment. */
export interface PlatformAccess {
  /** Full name of its secret, `projects/P/secrets/NAME`. */
  readonly secret: string;
  /** What it starts with: release values, Secret, variables. Contains no password. */
  readonly wired: Wired;
  /** Resources that its pods must wait for: databases, logins, permissions. Empty without a cluster. */
  readonly ready: readonly pulumi.Resource[];
}

/**
 * PostgreSQL for ML platforms on Google Cloud: servers, databases, logins, secrets, rotation, alerts, and the platforms' Helm releases, from
 * one spec.
 *
 * It uses the caller's providers of `gcp`, `kubernetes` and `random`, from `provider`, `providers` or a parent. It creates those that are
 * missing: for the project and the region of the spec, and for the GKE cluster that the spec names. Your own Kubernetes provider
 * should set `upsertExistingObjects`, because namespaces may exist already, and `clusterIdentifier`, so that a new endpoint replaces nothing.
 *
 * A program can create several environments. The URN of every resource contains the environment's name, not the component's.
 */
export class PostgresEnvironment<S extends GcpSpec = GcpSpec> extends pulumi.ComponentResource {
  /** The spec, checked and complete. */
  readonly environment: GcpEnvironment;
  /** Servers by instance: host, port, certificate authority, name for the Auth Proxy, the master's secret. */
  readonly instances: Readonly<Record<string, Postgres>>;
  /** By platform: its secret, and its wiring. */
  readonly platforms: Readonly<Record<string, PlatformAccess>>;
  /** Outputs to export for this project's commands. Contains no secret. */
  readonly outputs: ReturnType<typeof outputsOf>;

  /**
   * Registers nothing if it throws.
   *
   * @throws SpecError with all errors in the spec; UserError if the provider is too old, or placeholder IDs would be deployed.
   */
  constructor(name: string, { spec, rules = [] }: PostgresEnvironmentArgs<S>, opts: pulumi.ComponentResourceOptions = {}) {
    const environment = check(spec, rules);
    super("platform-postgres:gcp:PostgresEnvironment", name, {}, opts);
    this.environment = environment;
    for (const warning of warningsOf(environment)) void pulumi.log.warn(warning, this);
    const parts = createEnvironment(environment, environment.name, { parent: this, providers: [...createProviders(environment, this)] });
    const { database, access, wired } = parts;
    this.instances = database.servers;
    this.platforms = mapValues(wired, (each, platform) => ({
      secret: access.secrets[platform]?.name ?? "",
      wired: each,
      ready: access.ready[platform] ?? [],
    }));
    this.outputs = outputsOf(environment, parts);
    this.registerOutputs(this.outputs);
  }
}

/** @throws UserError, marked as Pulumi's RunError, of which its runner prints only the message. */
function check(spec: unknown, rules: readonly TeamRule[]): GcpEnvironment {
  try {
    checkProvider();
    const environment = resolveUnknown(spec, { target: gcp, platforms, rules });
    const examples = tellExamples(environment, null);
    if (examples !== null && !pulumi.runtime.isDryRun()) throw new UserError(examples);
    return environment;
  } catch (error) {
    throw error instanceof UserError ? Object.assign(error, { __pulumiRunError: true }) : error;
  }
}

function warningsOf(environment: GcpEnvironment): readonly string[] {
  const examples = tellExamples(environment, null);
  return [...environment.warnings.map(formatViolation), ...(examples === null ? [] : [examples])];
}
