import pg from "pg";
import type { Tenant } from "../model/spec";
import type { Scope, ServerAccess } from "./access";
import { byItself } from "./by-itself";
import type { Check } from "./check";
import { type Client, persist } from "./connect";
import { diagnoseServer } from "./doctor-server";
import { diagnoseTenant } from "./doctor-tenant";
import { diagnoseWear } from "./doctor-wear";
import { findLeft, toPlatform } from "./left";
import { withLock } from "./lock";
import { lookAt } from "./look";
import type { Observed } from "./observe";
import { plan } from "./plan";
import type { Versions } from "./secret-store";
import { diagnoseSettings } from "./settings";
import { readVersions, storedLogins } from "./versions";

/** Platforms to check at the same time: each uses a reserved connection if the others are in use. */
const AT_ONCE = 2;

/**
 * Connects as the platforms do and reports problems. It changes nothing: the table that it creates is rolled back.
 *
 * @param strangerCa PEM text of a CA that did not sign the server's certificate, to check that clients would reject it.
 * @throws ProvisioningError if the server cannot be checked at all.
 */
export async function diagnose(instanceName: string, scope: Scope, access: ServerAccess, strangerCa: string): Promise<readonly Check[]> {
  const { server, master, patience } = access;
  // Prevents rotation meanwhile: a password could be outdated before it is tried.
  const look = (client: Client) => diagnoseLocked(client, instanceName, scope, access, strangerCa);
  return persist(server, master, "postgres", patience, () => withLock(access, look, true));
}

async function diagnoseLocked(
  client: Client,
  instanceName: string,
  scope: Scope,
  access: ServerAccess,
  strangerCa: string,
): Promise<readonly Check[]> {
  const { master, store } = access;
  const tenants = Object.entries(scope.instance.tenants);
  const versions = new Map<string, Versions | null>();
  const unread: Check[] = [];
  for (const [subject, tenant] of tenants) {
    const { value, problem } = await byItself(client, () => readVersions(tenant, store));
    if (problem === null) versions.set(subject, value);
    else unread.push({ subject, promise: "its secret can be read", problem });
  }
  const readable = tenants.filter(([name]) => versions.has(name));
  const settings = await diagnoseSettings(instanceName, scope, access);
  const look = { ...(await lookAt(client, scope)), reported: settings.reported };
  const credential = readable.map(([name]) => versions.get(name)?.current).find((each) => each !== undefined) ?? master;
  const checks = [
    ...(await diagnoseServer(instanceName, scope, access, credential, strangerCa, look)),
    ...settings.checks,
    ...(await diagnoseWear(client, instanceName)),
    ...(await diagnoseLeft(client, instanceName, scope, access)),
    ...unread,
    ...diagnoseDrift(scope, Object.fromEntries(readable), look.observed, versions, access.provision),
  ];
  for (let first = 0; first < readable.length; first += AT_ONCE) {
    const some = readable.slice(first, first + AT_ONCE).map(async ([name, tenant], index) => {
      const next = readable[(first + index + 1) % readable.length]?.[1];
      const neighbour = next === tenant ? undefined : next;
      const its = await byItself(client, () => diagnoseTenant(name, tenant, versions.get(name) ?? null, neighbour, access, look));
      return its.problem === null ? its.value : [{ subject: name, promise: "can be checked", problem: its.problem }];
    });
    checks.push(...(await Promise.all(some)).flat());
  }
  return checks;
}

/** Reports platforms that are no longer in the spec, but whose logins still work. */
async function diagnoseLeft(
  client: Client,
  instance: string,
  { environment, instance: { tenants } }: Scope,
  { closing }: Pick<ServerAccess, "closing">,
): Promise<readonly Check[]> {
  const left = await findLeft(client, environment, Object.values(tenants));
  return left.map(({ owner, logins }) => ({
    subject: `instance ${instance}`,
    promise: `logins of ${owner}, which is not in the spec, are closed`,
    problem: `${logins.join(", ")} can still log in, and no rotation renews them; ${closing?.(toPlatform(owner)) ?? "close them"}, which keeps the data, or put the platform back into the spec`,
  }));
}

/** Reports drift: what provisioning would change, and memberships that it never revokes. */
function diagnoseDrift(
  { environment }: Scope,
  tenants: Readonly<Record<string, Tenant>>,
  observed: Observed,
  versions: ReadonlyMap<string, Versions | null>,
  provision: string,
): readonly Check[] {
  return Object.entries(tenants).flatMap(([subject, tenant]) => {
    const desired = { ...tenant, storedLogins: storedLogins(tenant, versions.get(subject) ?? null) };
    const { steps, problems } = plan(environment, [desired], observed);
    const own = [tenant.owner, ...tenant.logins.map((login) => login.name), observed.server.master];
    const its = own.slice(0, 3);
    const foreign = observed.memberships.filter(
      ({ role, member }) => its.includes(role) !== its.includes(member) && member !== observed.server.master,
    );
    const found = [
      ...problems,
      ...steps.map(({ why }) => `${why}; ${provision}`),
      ...foreign.map(
        ({ role, member }) =>
          `${member} is a member of ${role}; if nobody needs it: REVOKE ${pg.escapeIdentifier(role)} FROM ${pg.escapeIdentifier(member)}`,
      ),
    ];
    const promise = "roles, grants and settings are as planned";
    return (found.length === 0 ? [null] : found).map((problem): Check => ({ subject, promise, problem }));
  });
}
