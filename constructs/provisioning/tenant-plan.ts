import type { Tenant } from "../model/spec";
import type { Client } from "./connect";
import { mayEnd } from "./lock";
import type { Observed } from "./observe";
import { findSettings } from "./ownership";
import { type DesiredTenant, endingStep, joinStep, type ProvisioningPlan, plan, REVOKED, type Step } from "./plan";
import type { Versions } from "./secret-store";
import { type SecretState, storedLogins } from "./versions";

/** What provisioning does for one platform before it logs in: in database `postgres`, and in the platform's secret. */
export interface TenantPlan extends ProvisioningPlan {
  readonly desired: DesiredTenant;
  readonly secret: SecretState;
  /** Settings of owners on the platform's databases that only a person can fix, a sentence each. */
  readonly settings: readonly string[];
}

/** Computes the plan from the observed server and the secret (null while it is empty). Pure. */
export function planPlatform(environment: string, tenant: Tenant, observed: Observed, stored: Versions | null): TenantPlan {
  const [first, second] = tenant.logins;
  const isNew = !Object.hasOwn(observed.roles, first.name);
  const isRevoked = tenant.logins.some(({ name }) => observed.roles[name]?.comment === REVOKED);
  const isHalf = isNew && stored?.previous === null && stored.current.username === second.name;
  const kept = isRevoked ? null : stored;
  const desired: DesiredTenant = {
    ...tenant,
    storedLogins: isRevoked ? [first.name] : storedLogins(tenant, isHalf ? null : kept),
  };
  const settings = tenant.databases.map(({ name }) => findSettings(name, observed)).filter((each) => each !== null);
  return { ...plan(environment, [desired], observed), desired, secret: { kept, isHalf, isRevoked }, settings };
}

/**
 * Returns statements that finish an interrupted revocation: they end sessions of logins that their secret no longer contains.
 *
 * @param planned statements that run first.
 */
export async function endForgotten(
  client: Client,
  { logins, storedLogins: stored }: DesiredTenant,
  planned: readonly Step[],
): Promise<readonly Step[]> {
  const forgotten = logins.map((login) => login.name).filter((name) => !stored.includes(name));
  if (forgotten.length === 0) return [];
  const { rows } = await client.query<{ login: string }>("select distinct usename as login from pg_stat_activity where usename = any($1)", [
    forgotten,
  ]);
  const steps: Step[] = [];
  for (const { login } of rows) {
    const join = joinStep(login);
    const joins = planned.some(({ sql }) => sql.startsWith(join.sql));
    if (!joins && !(await mayEnd(client, login))) steps.push(join);
    steps.push(endingStep(login));
  }
  return steps;
}
