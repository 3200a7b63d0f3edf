import type { JsonObject } from "../model/json";
import { metadata } from "./metadata";

/** What runs programs or says what they run as, in a namespace that nobody else's programs may change; and its labels, by which others inject containers. */
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
 * controllers run in no pod of it: a role that may start pods everywhere may start one as a controller's account in `kube-system`.
 *
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#additional-metadata-in-pod-bound-tokens
 */
const IS_ALLOWED = [
  '!request.userInfo.username.startsWith("system:serviceaccount:")',
  'request.userInfo.username.startsWith("system:serviceaccount:kube-system:") && !(has(request.userInfo.extra) && "authentication.kubernetes.io/pod-name" in request.userInfo.extra)',
].join(" || ");

/**
 * A ValidatingAdmissionPolicy and its binding: service accounts create, change, delete and enter nothing of `GUARDED` in a namespace,
 * whatever their roles allow, and get no token of its service accounts. Kubernetes 1.30 or newer.
 *
 * Admission sees no reads, and Kubernetes exempts policies themselves from it: a service account that may delete policies may delete this one.
 * One that may impersonate, reach kubelets (`nodes/proxy`), or get a controller's token in `kube-system` by a request or by a Secret for it, is not held back.
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
