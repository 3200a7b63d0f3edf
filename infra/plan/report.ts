import { budget } from "../../constructs/model/budget";
import { accountOf, broadRights } from "../../constructs/model/chart-rights";
import { factsOf, type Platforms, type TlsMode } from "../../constructs/model/platform";
import type { ResolvedInstance } from "../../constructs/model/spec";
import { platforms as registry } from "../../constructs/platforms/registry";
import type { DeploymentPlan } from "../cloud";
import type { ProjectEnvironment } from "../load";
import { type Change, isDanger, worstFirst } from "./change";
import type { CostReport } from "./cost-report";
import type { PlannedServer, Used } from "./servers";

/** What a deployment would create and change, for people and programs. `planDocument` describes the keys. */
export interface PlanReport {
  readonly environment: string;
  readonly cloud: string;
  readonly region: string;
  /** Account or project; null if the credentials in use decide it. */
  readonly account: string | null;
  readonly instances: readonly InstanceReport[];
  readonly platforms: readonly PlatformReport[];
  readonly uses: readonly Used[];
  /** What was compared; null if nothing was. */
  readonly compared: readonly string[] | null;
  /** The worst first. */
  readonly changes: readonly Change[];
  /** Whether something would be lost, or refused by the vendor. */
  readonly isDangerous: boolean;
  /** Changes, one line per resource. */
  readonly details: readonly string[];
  readonly cost: CostReport | null;
  /** Warnings, acknowledged ones with their reason. */
  readonly warnings: readonly WarningReport[];
  /** Other effects, a sentence each. */
  readonly notes: readonly string[];
  /** Settings with placeholder IDs, which block the deployment. */
  readonly examples: readonly string[];
  readonly resources: DeploymentPlan["resources"];
}

export interface WarningReport {
  readonly path: string;
  readonly rule: string;
  readonly got: string | null;
  readonly remedy: string;
  /** ID of the rule; null for a check of a single field. */
  readonly id: string | null;
  /** The spec's reason to accept it; null if it is not acknowledged. */
  readonly acknowledged: string | null;
}

export interface InstanceReport {
  readonly name: string;
  readonly majorVersion: number;
  /** Null for an existing database, which is only provisioned. */
  readonly server: PlannedServer | null;
  /** `host:port` of an existing database; null if a deployment creates it. */
  readonly existing: string | null;
  readonly standby: boolean;
  readonly readReplicas: number;
  readonly backups: {
    /** Days for which they are kept; 0 for none. */
    readonly days: number;
    /** UTC. */
    readonly window: string;
    /** Another region that receives them; null for none. */
    readonly copies: string | null;
  };
  /** UTC. */
  readonly maintenanceWindow: string;
  readonly connections: ConnectionsReport;
  /** The same for its first read replica; null if no platform reads from it. */
  readonly readerConnections: ConnectionsReport | null;
}

/** Connections, counted against `max_connections`. */
export interface ConnectionsReport {
  readonly max: number;
  readonly reserved: number;
  /** Most at a time, by platform. */
  readonly platforms: Readonly<Record<string, number>>;
  readonly free: number;
}

export interface PlatformReport {
  readonly name: string;
  readonly kind: string;
  /** The kind's name, as its project writes it. */
  readonly title: string;
  /** Null if no chart installs it. */
  readonly chart: { readonly name: string; readonly version: string } | null;
  readonly instance: string;
  readonly databases: readonly string[];
  /** Its two logins. A rotation switches to the other one. */
  readonly logins: readonly string[];
  /** How its pods connect: directly, through a proxy beside them, or through one for all. */
  readonly access: "direct" | "sidecar" | "proxy";
  /** How they verify the server: `verify-full`, `verify-ca`, or `proxy` if the Auth Proxy does. */
  readonly tls: TlsMode;
  /** Most connections to the primary at a time. */
  readonly connections: number;
  /** Most connections to the first read replica at a time. */
  readonly readerConnections: number;
  /** Rights in every namespace that its chart grants to pods, in words. */
  readonly rights: readonly string[];
}

/** Returns everything that is known of a plan. @param cost null without prices. */
export function toReport(
  environment: ProjectEnvironment,
  plan: DeploymentPlan,
  place: Pick<PlanReport, "cloud" | "region" | "account">,
  cost: CostReport | null,
): PlanReport {
  const changes = worstFirst(plan.changes);
  return {
    environment: environment.name,
    ...place,
    instances: Object.entries(environment.instances).map(([name, instance]) => toInstance(name, instance, plan, environment)),
    platforms: toPlatforms(environment),
    uses: plan.uses,
    compared: plan.compared,
    changes,
    isDangerous: changes.some(isDanger),
    details: plan.details,
    cost,
    warnings: toWarnings(environment),
    notes: plan.notes,
    examples: plan.examples,
    resources: plan.resources,
  };
}

function toInstance(
  name: string,
  { settings, ...instance }: ResolvedInstance,
  { servers }: DeploymentPlan,
  { platforms }: ProjectEnvironment,
): InstanceReport {
  const { existing, backupRetentionDays: days, backupWindow: window, backupReplication } = settings;
  const tenants = Object.entries(platforms).filter(([, platform]) => platform?.instance === name);
  const count = (peaks: readonly (readonly [string, number])[]): ConnectionsReport => {
    const {
      maxConnections: max,
      reserved,
      free,
    } = budget(instance.maxConnections, instance.reservedConnections, Object.fromEntries(peaks));
    return { max, reserved, platforms: Object.fromEntries(peaks), free };
  };
  const readers = tenants.map(([tenant, platform]) => [tenant, platform?.readerPeak ?? 0] as const).filter(([, peak]) => peak > 0);
  return {
    name,
    majorVersion: settings.majorVersion,
    server: servers[name] ?? null,
    existing: existing === null ? null : `${existing.host}:${existing.port}`,
    standby: existing === null && settings.highAvailability,
    readReplicas: existing === null ? settings.readReplicas : 0,
    backups: { days: existing === null ? days : 0, window, copies: backupReplication?.region ?? null },
    maintenanceWindow: settings.maintenanceWindow,
    connections: count(tenants.map(([tenant, platform]) => [tenant, platform?.peak ?? 0])),
    readerConnections: readers.length === 0 ? null : count(readers),
  };
}

function toPlatforms(environment: ProjectEnvironment): readonly PlatformReport[] {
  return Object.entries(environment.platforms).flatMap(([name, resolved]) => {
    const platform = (registry as Platforms)[resolved?.kind ?? ""];
    if (resolved === undefined || platform === undefined) return [];
    const chart = platform.chart(resolved.settings);
    const tenant = environment.instances[resolved.instance]?.tenants[name];
    const facts = chart === null ? null : factsOf(chart, resolved.settings.chartVersion);
    const called = (account: string) => accountOf(account, resolved.kind, resolved.settings.release);
    return [
      {
        name,
        kind: resolved.kind,
        title: platform.title,
        chart: chart === null || facts === null ? null : { name: chart.name, version: facts.version },
        instance: resolved.instance,
        databases: tenant?.databases.map((database) => database.name) ?? [],
        logins: tenant?.logins.map((login) => login.name) ?? [],
        access: resolved.access,
        tls: resolved.tls,
        connections: resolved.peak,
        readerConnections: resolved.readerPeak,
        rights:
          facts === null ? [] : broadRights(facts).map(({ accounts, can }) => `${accounts.map(called).join(", ")}: ${can.join(", ")}`),
      },
    ];
  });
}

const ACKNOWLEDGED = "acknowledged: ";

const toWarnings = ({ warnings }: ProjectEnvironment): readonly WarningReport[] =>
  warnings.map(({ path, rule, got, remedy, id = null }) => {
    const isAcknowledged = remedy.startsWith(ACKNOWLEDGED);
    return {
      path,
      rule,
      got,
      remedy: isAcknowledged ? "" : remedy,
      id,
      acknowledged: isAcknowledged ? remedy.slice(ACKNOWLEDGED.length) : null,
    };
  });
