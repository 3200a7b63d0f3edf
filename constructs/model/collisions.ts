import { violation } from "./errors";
import type { Report } from "./fields";
import { IDENTIFIER, kubernetesNames, RESERVED_DATABASES, RESERVED_NAMESPACE } from "./names";
import type { Placed } from "./place";
import { ifReadable } from "./unreadable";

/** Rejects two platforms with the same release, with objects that could have the same name, or with the same database. */
export function checkNames(placed: readonly Placed[], report: Report): void {
  const releases = new Map<string, string>();
  const databases = new Map<string, string>();
  for (const together of byNamespace(placed))
    for (const item of together) for (const other of together) checkBeginnings(item, other, report);
  for (const { name, settings, instance, databases: own } of placed) {
    ifReadable(() => {
      const { namespace } = settings;
      const rule = "must not begin with kube-, which Kubernetes reserves";
      if (RESERVED_NAMESPACE.test(namespace)) report(violation(`platforms.${name}.namespace`, rule, namespace, "choose another namespace"));
    }, undefined);
    ifReadable(() => {
      const release = `${settings.namespace}/${settings.release}`;
      const other = releases.get(release);
      if (other !== undefined)
        report(
          violation(`platforms.${name}.release`, `is already the release of ${other} in namespace ${settings.namespace}`, settings.release),
        );
      releases.set(release, name);
    }, undefined);

    const names = new Set(Object.values(own ?? {}).map((database) => database.name));
    for (const database of names) {
      const path = `platforms.${name}`;
      const remedy = `write another name in ${path}.databases`;
      const owner = instance === null ? undefined : databases.get(`${instance}/${database}`);
      if (owner !== undefined)
        report(violation(path, `uses a database that already belongs to ${owner} on the same instance`, database, remedy));
      if (RESERVED_DATABASES.includes(database))
        report(violation(path, "must not use a database that belongs to PostgreSQL or a cloud", database, remedy));
      if (!IDENTIFIER.pattern.test(database)) report(violation(path, `database must be ${IDENTIFIER.form}`, database));
      if (instance !== null) databases.set(`${instance}/${database}`, name);
    }
  }
}

/** Groups the platforms whose names are readable. */
function byNamespace(placed: readonly Placed[]): Iterable<readonly Placed[]> {
  const groups = new Map<string, Placed[]>();
  for (const item of placed) {
    const namespace = ifReadable(() => item.settings.release && item.settings.namespace, null);
    if (namespace !== null) groups.set(namespace, [...(groups.get(namespace) ?? []), item]);
  }
  return groups.values();
}

/** Names of a chart's objects begin with its release: next to a release `a`, a release `a-db` would take the names of its objects. */
function checkBeginnings({ name, settings: { namespace, release } }: Placed, { name: other, settings: its }: Placed, report: Report): void {
  const { secret } = kubernetesNames(its.release);
  if (release !== secret && !release.startsWith(`${secret}-`)) return;
  const rule = `must not begin with ${secret}, because the objects of ${other} in namespace ${namespace} do`;
  report(violation(`platforms.${name}.release`, rule, release, "choose another release or namespace"));
}
