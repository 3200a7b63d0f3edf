import { budget } from "../../constructs/model/budget";
import { mapValues } from "../../constructs/model/json";
import type { Check } from "../../constructs/provisioning/check";
import { type Change, showStatement } from "../../constructs/provisioning/plan";
import type { Provisioned } from "../../constructs/provisioning/provision";
import type { ProjectEnvironment } from "../load";
import type { PlatformSummary } from "../local/deliver";
import type { ReachableInstance, Session } from "../local/session";
import type { CheckValues, ProvisionValues, StatementValues } from "./documents";

/** The first keys of every document. */
export const toAbout = ({ name, target }: Pick<ProjectEnvironment, "name" | "target">) => ({
  environment: name,
  target: target as ProvisionValues["target"],
});

export const toChecks = (checks: readonly Check[]): { readonly passed: boolean; readonly checks: readonly CheckValues[] } => ({
  passed: checks.every(({ problem }) => problem === null),
  checks: checks.map(({ subject, promise, problem, note = null }) => {
    const [, instance] = /^instance (.+)$/.exec(subject) ?? [];
    const about = instance === undefined ? ({ kind: "platform", name: subject } as const) : ({ kind: "instance", name: instance } as const);
    return { ...about, promise, passed: problem === null, problem, note };
  }),
});

export const toStatements = (changes: readonly Change[]): readonly StatementValues[] =>
  changes.map((change) => ({
    platform: change.platform,
    database: change.database,
    sql: showStatement(change),
    passwordOf: change.passwordOf,
    reason: change.why,
  }));

/** @param summary files written on this machine; null on a cloud, where none are written. */
export function toProvisioned(
  { environment, instances }: Pick<Session, "environment" | "instances">,
  provisioned: Readonly<Record<string, Provisioned>>,
  checks: readonly Check[],
  summary: Readonly<Record<string, PlatformSummary>> | null,
): ProvisionValues {
  const { passed, checks: shown } = toChecks(checks);
  return {
    ...toAbout(environment),
    passed,
    instances: instances.map((instance) => toInstance(instance, provisioned[instance.name]?.changes ?? [])),
    platforms: Object.fromEntries(
      instances.flatMap(({ name, scope }) =>
        Object.entries(scope.instance.tenants).map(([platform, { databases, owner, logins }]) => [
          platform,
          {
            instance: name,
            databases: databases.map((database) => database.name),
            owner,
            login: provisioned[name]?.logins[platform] ?? logins[0].name,
            connectionLimit: logins[0].connectionLimit,
            configurationFile: summary?.[platform]?.configurationFile ?? null,
            startCommands: summary?.[platform]?.startCommands ?? [],
          },
        ]),
      ),
    ),
    checks: shown,
  };
}

function toInstance(
  { name, scope, access, directory }: ReachableInstance,
  changes: readonly Change[],
): ProvisionValues["instances"][number] {
  const { maxConnections, reservedConnections, tenants } = scope.instance;
  const limits = mapValues(tenants, (tenant) => tenant.logins[0].connectionLimit);
  const { used, reserved, free } = budget(maxConnections, reservedConnections, limits);
  const { host, port } = access.server;
  return {
    name,
    host,
    port,
    directory,
    statements: toStatements(changes),
    connections: { max: maxConnections, platforms: used, reserved, free },
  };
}
