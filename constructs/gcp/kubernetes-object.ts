import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { JsonObject } from "../model/json";
import type { LateObject } from "./late-bound";

type Made = new (name: string, args: never, opts?: pulumi.CustomResourceOptions) => pulumi.CustomResource;

/** Kinds that Pulumi has a class for, which knows when they are ready. Looked up late: loading one loads its API group. */
const KINDS: Readonly<Record<string, () => Made>> = {
  ConfigMap: () => kubernetes.core.v1.ConfigMap,
  CronJob: () => kubernetes.batch.v1.CronJob,
  Deployment: () => kubernetes.apps.v1.Deployment,
  Job: () => kubernetes.batch.v1.Job,
  Namespace: () => kubernetes.core.v1.Namespace,
  NetworkPolicy: () => kubernetes.networking.v1.NetworkPolicy,
  PodDisruptionBudget: () => kubernetes.policy.v1.PodDisruptionBudget,
  Service: () => kubernetes.core.v1.Service,
  ServiceAccount: () => kubernetes.core.v1.ServiceAccount,
};

/** An object of the cluster as Pulumi's resource. Its kind is told in plain words. */
export function createObject(name: string, object: JsonObject | LateObject, opts: pulumi.CustomResourceOptions): pulumi.CustomResource {
  const Kind = KINDS[String(object.kind)]?.();
  if (Kind !== undefined) return new Kind(name, object as never, opts);
  return new kubernetes.apiextensions.CustomResource(name, object as unknown as kubernetes.apiextensions.CustomResourceArgs, opts);
}
