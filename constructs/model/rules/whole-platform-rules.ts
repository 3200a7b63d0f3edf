import { violation } from "../errors";
import type { Fields } from "../fields";
import { isPlainObject } from "../json";
import { kubernetesNames } from "../names";
import { checkEach } from "../rule";
import type { WholeRule } from "../target";

const SERVICE_ACCOUNTS = "https://kubernetes.io/docs/concepts/security/service-accounts/";

/** Rules about several platforms, or a platform and its instance, that apply on every target. */
export const wholePlatformRules: readonly WholeRule<Fields>[] = [
  {
    id: "reading-from-a-replica-needs-one",
    why: "Without a read replica, MLflow reads from the primary, as if the setting were false.",
    source: "https://github.com/mlflow/mlflow/blob/master/mlflow/cli/__init__.py",
    date: "2026-11-30",
    severity: "warning",
    check: ({ instances, platforms }) =>
      checkEach(platforms, ({ settings, instance }, name) => {
        const its = instance !== null && Object.hasOwn(instances, instance) ? instances[instance] : undefined;
        if (!settings.readFromReplica || its === undefined) return [];
        const hasReplica = its.existing === null && its.readReplicas > 0;
        const remedy = its.existing === null ? `set instances.${instance}.readReplicas, or remove it` : "remove it";
        return hasReplica
          ? []
          : [violation(`platforms.${name}.readFromReplica`, `has no effect, because ${instance} has no read replica`, true, remedy)];
      }),
    passing: { section: {}, instances: { at: { readReplicas: 1 } }, platforms: { mlflow: { readFromReplica: true } } },
    failing: { section: {}, instances: { at: {} }, platforms: { mlflow: { readFromReplica: true } } },
  },
  {
    id: "service-account-of-one-platform",
    why: "The other platform gets every permission that a cloud or the cluster grants to this service account, such as access to a bucket.",
    source: SERVICE_ACCOUNTS,
    date: "2026-11-30",
    severity: "warning",
    check: ({ platforms }) => {
      const owners = new Map<string, string>();
      // First those whose names are fixed: only a chosen name can be changed.
      checkEach(platforms, ({ settings: { namespace, serviceAccount }, serviceAccounts }, name) => {
        if (serviceAccount === null) for (const account of serviceAccounts) owners.set(`${namespace}/${account}`, name);
        return [];
      });
      return checkEach(platforms, ({ settings: { namespace, serviceAccount } }, name) => {
        if (serviceAccount === null) return [];
        const account = `${namespace}/${serviceAccount}`;
        const owner = owners.get(account);
        owners.set(account, owner ?? name);
        const rule = `is also the service account of ${owner}, so each of the two gets the other's permissions`;
        return owner === undefined ? [] : [violation(`platforms.${name}.serviceAccount`, rule, serviceAccount, "name another one")];
      });
    },
    passing: { section: {}, platforms: { a: { serviceAccount: "ml" }, b: { serviceAccount: "ml" } } },
    failing: { section: {}, platforms: { a: { namespace: "ml", serviceAccount: "ml" }, b: { namespace: "ml", serviceAccount: "ml" } } },
  },
  {
    id: "service-account-annotations-have-an-effect",
    why: "The chart annotates only a service account that it creates, so pods run without the intended identity, such as the one for their bucket.",
    source: SERVICE_ACCOUNTS,
    date: "2026-11-30",
    severity: "warning",
    check: ({ platforms }) =>
      checkEach(platforms, ({ settings: { values, serviceAccount, release }, access }, name) => {
        const own = values?.serviceAccount;
        const isAnnotated = isPlainObject(own) && isPlainObject(own.annotations) && Object.keys(own.annotations).length > 0;
        if (!isAnnotated || (serviceAccount === null && access !== "sidecar")) return [];
        const path = `platforms.${name}.values.serviceAccount.annotations`;
        const account = serviceAccount ?? kubernetesNames(release).client;
        const remedy =
          serviceAccount === null
            ? `grant ${account} the permissions that the pods need, or set platforms.${name}.serviceAccount to your annotated service account`
            : "annotate it yourself";
        return [{ path, rule: `has no effect, because the pods run as ${account}, which the chart does not create`, got: null, remedy }];
      }),
    passing: { section: {}, platforms: { a: { access: "direct", values: { serviceAccount: { annotations: { a: "b" } } } } } },
    failing: { section: {}, platforms: { a: { values: { serviceAccount: { annotations: { a: "b" } } } } } },
  },
  {
    id: "service-account-is-not-default",
    why: "Pods that name no service account run as `default`, so all such pods in the namespace get the platform's permissions.",
    source: SERVICE_ACCOUNTS,
    date: "2026-11-30",
    severity: "warning",
    check: ({ platforms }) =>
      checkEach(platforms, ({ settings: { serviceAccount } }, name) =>
        serviceAccount === "default"
          ? [
              violation(
                `platforms.${name}.serviceAccount`,
                "is the service account of every pod in the namespace that names no other",
                serviceAccount,
                "name another one, or leave it out",
              ),
            ]
          : [],
      ),
    passing: { section: {}, platforms: { a: { serviceAccount: "ml" } } },
    failing: { section: {}, platforms: { a: { serviceAccount: "default" } } },
  },
  {
    id: "namespace-is-not-default",
    why: "Anyone who can create a pod in `default`, where objects without a namespace are created, can read the platform's Secret.",
    source: "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
    date: "2026-11-30",
    severity: "warning",
    check: ({ platforms }) =>
      checkEach(platforms, ({ settings }, name) =>
        settings.namespace === "default"
          ? [
              violation(
                `platforms.${name}.namespace`,
                "is where objects without a namespace are created, next to the platform's Secret",
                "default",
                "name another one, or leave it out",
              ),
            ]
          : [],
      ),
    passing: { section: {}, platforms: { a: { namespace: "ml" } } },
    failing: { section: {}, platforms: { a: { namespace: "default" } } },
  },
];
