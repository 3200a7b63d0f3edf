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

/** What the rendered roles let service accounts do. A role that Kubernetes brings, such as `view`, has no rules here. */
export function rightsOf(objects: readonly JsonObject[]): readonly ChartRight[] {
  const bindings = objects.filter(({ kind }) => kind === "RoleBinding" || kind === "ClusterRoleBinding") as unknown as readonly Binding[];
  const rights = bindings.map(({ kind, roleRef, subjects = [] }): ChartRight => {
    const role = objects.find((object) => object.kind === roleRef.kind && nameOf(object) === roleRef.name) as Role | undefined;
    const rules = (role?.rules ?? []).map(({ apiGroups = [], resources = [], verbs }) => ({
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
