import type { ChartRight } from "../../constructs/model/chart-facts";
import type { JsonObject } from "../../constructs/model/json";

interface Role extends JsonObject {
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}
interface Binding extends JsonObject {
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

const nameOf = (object: JsonObject): string => String((object.metadata as JsonObject | undefined)?.name);

const ALL = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];
const EDIT = [
  { apiGroups: [""], resources: ["pods", "secrets"], verbs: ["create", "delete", "get", "list", "patch", "update", "watch"] },
  { apiGroups: ["apps", "batch"], resources: ["*"], verbs: ["create", "delete", "get", "list", "patch", "update", "watch"] },
];
/** What of Kubernetes' own roles concerns Secrets and pods: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles */
const OWN_ROLES: Readonly<Record<string, NonNullable<Role["rules"]>>> = { "cluster-admin": ALL, admin: EDIT, edit: EDIT };

/** What the rendered roles, and Kubernetes' own, let service accounts do. */
export function rightsOf(objects: readonly JsonObject[]): readonly ChartRight[] {
  const bindings = objects.filter(({ kind }) => kind === "RoleBinding" || kind === "ClusterRoleBinding") as unknown as readonly Binding[];
  const rights = bindings.map(({ kind, roleRef, subjects = [] }): ChartRight => {
    const role = objects.find((object) => object.kind === roleRef.kind && nameOf(object) === roleRef.name) as Role | undefined;
    const rules = (role?.rules ?? OWN_ROLES[roleRef.name] ?? []).map(({ apiGroups = [], resources = [], verbs }) => ({
      groups: [...apiGroups].sort(),
      resources: [...resources].sort(),
      verbs: [...verbs].sort(),
    }));
    return {
      isClusterWide: kind === "ClusterRoleBinding",
      accounts: subjects.filter((subject) => subject.kind === "ServiceAccount").map(({ name }) => name),
      rules,
    };
  });
  return rights.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
