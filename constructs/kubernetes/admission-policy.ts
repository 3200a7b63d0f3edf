import type { JsonObject } from "../model/json";
import { metadata } from "./metadata";

/** What runs programs or says what they run as, in a namespace that nobody else's programs may change. */
const GUARDED: readonly { readonly groups: readonly string[]; readonly resources: readonly string[] }[] = [
  {
    groups: [""],
    resources: ["configmaps", "secrets", "serviceaccounts", "serviceaccounts/*", "pods", "pods/*", "replicationcontrollers"],
  },
  { groups: ["apps", "batch"], resources: ["*"] },
  { groups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"] },
];

/** Kubernetes' own controllers create the pods of a Job; people and deployments from outside are no service accounts of the cluster. */
const IS_ALLOWED =
  '!request.userInfo.username.startsWith("system:serviceaccount:") || request.userInfo.username.startsWith("system:serviceaccount:kube-system:")';

/**
 * A ValidatingAdmissionPolicy and its binding: service accounts of other namespaces create, change, delete and enter nothing of
 * `GUARDED` in a namespace, whatever their roles allow, and get no token of its service accounts. Kubernetes 1.30 or newer.
 *
 * Admission sees no reads, and Kubernetes exempts policies themselves from it: a service account that may delete policies may delete this one.
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
          message: `only administrators may change namespace ${namespace}: its pods hold the database's master password`,
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
