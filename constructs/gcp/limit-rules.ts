import { type Violation, violation } from "../model/errors";
import { kubernetesNames } from "../model/names";
import { checkEach } from "../model/rule";
import type { WholePlatform, WholeRule } from "../model/target";
import { physicalName, provisioningAccount, provisioningNamespace, proxyAccounts } from "./names";
import { CHECKED, EXISTING, GUIDE } from "./rules";
import type { GcpSettings, gcpFields } from "./section";
import { CLUSTER, SECTION } from "./section-rules";

type Rule = WholeRule<typeof gcpFields>;
type Whole = Parameters<Rule["check"]>[0];

const IAM_QUOTAS = "https://cloud.google.com/iam/quotas";
const ANOTHER = "move some of them to another environment";

/** Members of a project's policy: every occurrence counts. */
const MOST_MEMBERS = 1_500;
/** Conditions under which a policy gives one role to one member. */
const MOST_CONDITIONS = 20;
/** Google service accounts of a project, unless Google has raised the quota. */
const USUAL_ACCOUNTS = 100;
/** Instances of a project, including replicas, unless Google has raised the quota. */
const USUAL_INSTANCES = 1_000;
/** Addresses of Cloud SQL in a range, by the bits of its prefix. Wider ranges have more than any project has instances. */
const ADDRESSES: Readonly<Record<number, number>> = { 24: 50, 23: 114, 22: 242, 21: 498 };
const MOST_LABELS = 64;
const MOST_CHANNELS = 16;
/** Bytes of a ConfigMap. */
const CONFIG_MAP = 2 ** 20;
/** The most bytes of a platform in the task of its instance. */
const TENANT = 2_000;

/** Instances that Cloud SQL creates, with their replicas. */
const serversOf = ({ instances }: Whole): number =>
  Object.values(instances).reduce((sum, { existing, readReplicas }) => sum + (existing === null ? 1 + readReplicas : 0), 0);

/** A Kubernetes service account with the Auth Proxy. */
interface Client {
  /** `NAMESPACE/NAME`. */
  readonly account: string;
  readonly instance: string;
}

/** Returns every account that may connect, of platforms and of provisioning. None without a cluster. */
function clientsOf({ name: environment, section, instances, platforms }: Whole): readonly Client[] {
  if (section.cluster === null) return [];
  const reached = Object.keys(instances).filter(
    (name) => instances[name]?.existing === null || Object.hasOwn(section.existingConnections, name),
  );
  const provisioning = reached.map((instance) => ({
    account: `${provisioningNamespace(environment)}/${provisioningAccount(instance)}`,
    instance,
  }));
  const ofPlatforms = Object.values(platforms).flatMap((platform) =>
    accountsOf(platform).map((account) => ({ account: `${platform.settings.namespace}/${account}`, instance: platform.instance ?? "" })),
  );
  return [...provisioning, ...ofPlatforms.filter(({ instance }) => reached.includes(instance))];
}

function accountsOf({ settings, access, serviceAccounts }: WholePlatform): readonly string[] {
  const { release, serviceAccount } = settings;
  const own = serviceAccounts.length > 0 ? serviceAccounts : [kubernetesNames(release).client];
  return access === null ? [] : proxyAccounts({ release, serviceAccounts: serviceAccount === null ? own : [serviceAccount] }, access);
}

const count = (number: number, thing: string): string => `${number.toLocaleString("en")} ${thing}`;

/** A violation without a value: the rule contains the numbers. */
const beyond = (path: string, rule: string, remedy: string): Violation => ({ path, rule, got: null, remedy });

/** Entries with one value, for an example. */
const many = <T>(length: number, value: T): Readonly<Record<string, T>> =>
  Object.fromEntries(Array.from({ length }, (_, index) => [`x${index}`, value]));

const IN_CLUSTER = { ...SECTION, cluster: CLUSTER };

const ACCOUNTS = { ...SECTION, cluster: { ...CLUSTER, serviceAccounts: "google" } } as const;
const TWO_WITH_ONE_ACCOUNT = { a: { namespace: "ml", serviceAccount: "ml" }, b: { namespace: "ml", serviceAccount: "ml" } };

/** Reports platforms whose proxies run as another platform's service account. */
function checkAccounts(
  platforms: Whole["platforms"],
  isShared: (a: WholePlatform, b: WholePlatform) => boolean,
  because: string,
  remedy: string,
): readonly Violation[] {
  const owners = new Map<string, string>();
  return checkEach(platforms, (platform, name) =>
    accountsOf(platform).flatMap((account) => {
      const of = `${platform.settings.namespace}/${account}`;
      const owner = owners.get(of);
      owners.set(of, owner ?? name);
      const other = owner === undefined ? undefined : platforms[owner];
      return other === undefined || !isShared(platform, other)
        ? []
        : [violation(`platforms.${name}.serviceAccount`, `is also the service account of ${owner}, ${because}`, account, remedy)];
    }),
  );
}

/** Limits of an environment: names that must differ in Google Cloud or Kubernetes, and quotas. */
export const gcpLimitRules: readonly Rule[] = [
  {
    id: "gcp-replica-names-are-free",
    source: `${GUIDE}/instance-settings`,
    why: "Google Cloud rejects a second instance with the same name, after it has created the first one.",
    date: CHECKED,
    severity: "error",
    check: ({ name: environment, instances }) =>
      checkEach(instances, ({ readReplicas, existing }, name) =>
        Object.keys(instances).flatMap((other) => {
          const replica = Array.from({ length: existing === null ? readReplicas : 0 }, (_, index) => index + 1).find(
            (number) => physicalName(environment, name, number) === physicalName(environment, other, null),
          );
          return replica === undefined
            ? []
            : [violation(`instances.${other}`, `is also the name of read replica ${replica} of ${name}`, other, "choose another name")];
        }),
      ),
    passing: { section: SECTION, instances: { main: { readReplicas: 1 }, "main-replica2": {} } },
    failing: { section: SECTION, instances: { main: { readReplicas: 1 }, "main-replica1": {} } },
  },
  {
    id: "gcp-provisioning-has-its-namespace",
    source: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    why: "Any pod in that namespace can read the master's password, and therefore every platform's data.",
    date: CHECKED,
    severity: "error",
    check: ({ name: environment, section: { cluster }, platforms }) =>
      checkEach(platforms, ({ settings: { namespace } }, name) =>
        cluster === null || namespace !== provisioningNamespace(environment)
          ? []
          : [
              violation(
                `platforms.${name}.namespace`,
                "must not be the provisioning namespace, because any pod in it can read the master's password",
                namespace,
                "choose another namespace",
              ),
            ],
      ),
    passing: { section: IN_CLUSTER, name: "test", platforms: { mlflow: { namespace: "postgres" } } },
    failing: { section: IN_CLUSTER, name: "test", platforms: { mlflow: { namespace: "postgres-test" } } },
  },
  {
    id: "gcp-sixty-four-labels",
    source: "https://cloud.google.com/resource-manager/docs/labels-overview",
    why: "Google Cloud rejects a resource with more than 64 labels.",
    date: CHECKED,
    severity: "error",
    check: ({ labels, owner }) => {
      const own = ["environment", ...(owner === null ? [] : ["owner"])];
      const total = new Set([...own, ...Object.keys(labels)]).size;
      const rule = () => `must have at most ${MOST_LABELS - own.length} entries on Google Cloud, in addition to ${own.join(" and ")}`;
      return total > MOST_LABELS ? [violation("labels", rule(), Object.keys(labels).length, "remove some")] : [];
    },
    passing: { section: SECTION, labels: many(63, "x") },
    failing: { section: SECTION, labels: many(64, "x") },
  },
  {
    id: "gcp-sixteen-channels",
    source: "https://cloud.google.com/monitoring/quotas",
    why: "Cloud Monitoring rejects an alert policy with more than 16 channels.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { notificationChannels: channels } }) =>
      channels.length > MOST_CHANNELS
        ? [
            violation(
              "gcp.notificationChannels",
              `must have at most ${MOST_CHANNELS} entries, the most that an alert notifies`,
              channels.length,
              "name a group",
            ),
          ]
        : [],
    passing: { section: { ...SECTION, notificationChannels: channels(16) } },
    failing: { section: { ...SECTION, notificationChannels: channels(17) } },
  },
  {
    id: "gcp-policy-has-room",
    source: IAM_QUOTAS,
    why: "IAM rejects a policy with too many members, so the last platforms cannot connect.",
    date: CHECKED,
    severity: "error",
    check: (whole) => {
      const { length } = clientsOf(whole);
      const rule = () =>
        `need ${count(length, "members")} in the project's IAM policy to connect, which accepts ${count(MOST_MEMBERS, "in total")}`;
      return length > MOST_MEMBERS ? [beyond("platforms", rule(), `${ANOTHER}, in another project`)] : [];
    },
    passing: { section: IN_CLUSTER, instances: { at: {} }, platforms: { mlflow: {} } },
    get failing() {
      return { section: IN_CLUSTER, instances: { at: {} }, platforms: many(MOST_MEMBERS, {}) };
    },
  },
  {
    id: "gcp-account-has-twenty-conditions",
    source: IAM_QUOTAS,
    why: "IAM rejects the 21st condition for one member and role, so that platform cannot connect.",
    date: CHECKED,
    severity: "error",
    check: (whole) => {
      const byAccount = new Map<string, Set<string>>();
      for (const { account, instance } of clientsOf(whole)) byAccount.set(account, (byAccount.get(account) ?? new Set()).add(instance));
      return [...byAccount].flatMap(([account, { size }]) => {
        const rule = () => `connect as service account ${account} to ${size} instances, but IAM allows ${MOST_CONDITIONS}`;
        return size > MOST_CONDITIONS ? [beyond("platforms", rule(), "name several service accounts")] : [];
      });
    },
    passing: { section: IN_CLUSTER, instances: { at: {} }, platforms: { mlflow: { serviceAccount: "ml" } } },
    get failing() {
      const instances = many(MOST_CONDITIONS + 1, {});
      const ofOne = (instance: string) => ({ instance, namespace: "ml", serviceAccount: "ml" });
      return { section: IN_CLUSTER, instances, platforms: Object.fromEntries(Object.keys(instances).map((each) => [each, ofOne(each)])) };
    },
  },
  {
    id: "gcp-google-service-accounts",
    source: IAM_QUOTAS,
    why: "IAM rejects service accounts beyond the project's quota, in the middle of the deployment.",
    date: CHECKED,
    severity: "acknowledge",
    check: (whole) => {
      if (whole.section.cluster?.serviceAccounts !== "google") return [];
      const total = new Set(clientsOf(whole).map(({ account }) => account)).size;
      const rule = () =>
        `creates ${count(total, "Google service accounts")}, but a project has at most ${USUAL_ACCOUNTS} unless Google has raised the quota`;
      const remedy = `use "direct", which creates none, or raise the quota, or ${ANOTHER}, in another project`;
      return total > USUAL_ACCOUNTS ? [violation("gcp.cluster.serviceAccounts", rule(), "google", remedy)] : [];
    },
    passing: { section: IN_CLUSTER, instances: { at: {} }, platforms: many(USUAL_ACCOUNTS, {}) },
    failing: {
      section: { ...SECTION, cluster: { ...CLUSTER, serviceAccounts: "google" } },
      instances: { at: {} },
      platforms: many(USUAL_ACCOUNTS, {}),
    },
  },
  {
    id: "gcp-google-account-is-of-one-platform",
    source: "https://cloud.google.com/iam/docs/service-accounts-create",
    why: "The second platform would create the same Google service account, which IAM rejects.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster }, platforms }) =>
      cluster?.serviceAccounts === "google"
        ? checkAccounts(
            platforms,
            () => true,
            'but "google" creates a Google service account for one platform',
            'name another one, or set gcp.cluster.serviceAccounts to "direct"',
          )
        : [],
    passing: { section: ACCOUNTS, platforms: { a: { serviceAccount: "ml" }, b: { serviceAccount: "ml" } } },
    failing: { section: ACCOUNTS, platforms: TWO_WITH_ONE_ACCOUNT },
  },
  {
    id: "gcp-shared-account-is-removed-with-a-platform",
    source: "https://www.pulumi.com/registry/packages/gcp/api-docs/projects/iammember/",
    why: "Both platforms share one grant in IAM, so removing one platform removes the other's access.",
    date: CHECKED,
    severity: "warning",
    check: ({ section: { cluster }, platforms }) =>
      cluster?.serviceAccounts === "direct"
        ? checkAccounts(
            platforms,
            (a, b) => a.instance === b.instance,
            "so removing one of the two platforms removes the permission of both to connect",
            "name another one, or refresh the stack after you remove one of them",
          )
        : [],
    passing: { section: IN_CLUSTER, platforms: { a: {}, b: { namespace: "a" } } },
    failing: { section: IN_CLUSTER, platforms: TWO_WITH_ONE_ACCOUNT },
  },
  {
    id: "gcp-instances-of-a-project",
    source: `${GUIDE}/quotas`,
    why: "Cloud SQL rejects instances beyond the project's quota, in the middle of the deployment.",
    date: CHECKED,
    severity: "acknowledge",
    check: (whole) => {
      const servers = serversOf(whole);
      const rule = () =>
        `are ${count(servers, "servers with their replicas")}, but a project has at most ${count(USUAL_INSTANCES, "unless Google has raised the quota")}`;
      return servers > USUAL_INSTANCES ? [beyond("instances", rule(), `${ANOTHER}, in another project`)] : [];
    },
    passing: { section: SECTION, instances: { at: {} } },
    get failing() {
      return { section: SECTION, instances: many(100, { readReplicas: 10 }) };
    },
  },
  {
    id: "gcp-range-has-room",
    source: `${GUIDE}/private-ip`,
    why: "If the range has no free subnet, Cloud SQL fails to create an instance, 20 minutes into the deployment.",
    date: CHECKED,
    severity: "error",
    check: (whole) => {
      const { create, prefixLength }: GcpSettings["privateServicesAccess"] = whole.section.privateServicesAccess;
      const room = create ? ADDRESSES[prefixLength] : undefined;
      const servers = serversOf(whole);
      return room === undefined || servers <= room
        ? []
        : [
            violation(
              "gcp.privateServicesAccess.prefixLength",
              `must be smaller: a /${prefixLength} range has addresses for only ${room} of ${count(servers, "instances and replicas")}`,
              prefixLength,
              "a /20 range has addresses for 1,010",
            ),
          ];
    },
    passing: { section: { ...SECTION, privateServicesAccess: { prefixLength: 24 } }, instances: many(50, {}) },
    failing: { section: { ...SECTION, privateServicesAccess: { prefixLength: 24 } }, instances: many(51, {}) },
  },
  {
    id: "gcp-task-fits-a-configmap",
    source: "https://kubernetes.io/docs/concepts/configuration/configmap/",
    why: "Kubernetes rejects a ConfigMap larger than 1 MiB, so nothing is provisioned.",
    date: CHECKED,
    severity: "error",
    check: ({ section: { cluster }, instances, platforms }) =>
      checkEach(instances, ({ existing }, name) => {
        const tenants = Object.values(platforms).filter(({ instance }) => instance === name).length;
        const bytes = JSON.stringify(existing?.ca ?? "").length + TENANT * (tenants + 1);
        const rule = () =>
          `has ${count(tenants, "platforms")} and a CA of ${count(existing?.ca?.length ?? 0, "characters")}, which exceed a ConfigMap's limit (1 MiB)`;
        return cluster === null || bytes <= CONFIG_MAP
          ? []
          : [beyond(`instances.${name}`, rule(), "shorten the CA, or move platforms to another instance or environment")];
      }),
    passing: { section: IN_CLUSTER, instances: { at: {} }, platforms: many(100, {}) },
    get failing() {
      return { section: IN_CLUSTER, instances: { at: { existing: { ...EXISTING, ca: "x".repeat(999_000) } } }, platforms: many(30, {}) };
    },
  },
];

function channels(length: number): readonly string[] {
  return Array.from({ length }, (_, index) => `projects/my-project/notificationChannels/${index}`);
}
