import type { JsonObject } from "../model/json";
import { metadata } from "./metadata";

/** Resources that run programs, or define their identity, in a namespace that other programs must not change; and its labels, which control container injection. */
const GUARDED: readonly { readonly groups: readonly string[]; readonly resources: readonly string[] }[] = [
  {
    groups: [""],
    resources: [
      "namespaces",
      "namespaces/*",
      "configmaps",
      "secrets",
      "serviceaccounts",
      "serviceaccounts/*",
      "pods",
      "pods/*",
      "replicationcontrollers",
      "replicationcontrollers/*",
    ],
  },
  { groups: ["apps", "batch"], resources: ["*/*"] },
  { groups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"] },
];

/**
 * Kubernetes' own controllers create the pods of a Job; people and deployments from outside are not service accounts of the cluster. The
 * controllers do not run in pods: a role that may start pods everywhere could start one with a controller's account in `kube-system`.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#additional-metadata-in-pod-bound-tokens
 */
const IS_ALLOWED = [
  '!request.userInfo.username.startsWith("system:serviceaccount:")',
  'request.userInfo.username.startsWith("system:serviceaccount:kube-system:") && !(has(request.userInfo.extra) && "authentication.kubernetes.io/pod-name" in request.userInfo.extra)',
].join(" || ");

/**
 * Returns a ValidatingAdmissionPolicy and its binding: regardless of their roles, service accounts cannot create, change, delete or exec into
 * `GUARDED` resources in a namespace, or get tokens of its service accounts. Kubernetes 1.30 or newer.
 *
 * Admission does not see reads, and Kubernetes exempts policies themselves: a service account that may delete policies can delete this one. A
 * service account that may impersonate, reach kubelets (`nodes/proxy`), or get a controller's token in `kube-system` can bypass it.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export function toNamespacePolicy(namespace: string, instance: string): readonly JsonObject[] {
  const apiVersion = "admissionregistration.k8s.io/v1";
  const named = metadata(`platform-${namespace}`, null, instance);
  const policy = {
    apiVersion,
    kind: "ValidatingAdmissionPolicy",
    metadata: named,
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: GUARDED.map(({ groups, resources }) => ({
          apiGroups: groups,
          apiVersions: ["*"],
          operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
          resources,
        })),
      },
      validations: [
        {
          expression: IS_ALLOWED,
          message: `only administrators may change namespace ${namespace}: its pods have the database's master password`,
        },
      ],
    },
  };
  const binding = {
    apiVersion,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: named,
    spec: {
      policyName: named.name,
      validationActions: ["Deny"],
      matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } } },
    },
  };
  return [policy, binding];
}
