import * as apiextensions from "@pulumi/kubernetes/apiextensions";
import * as apps from "@pulumi/kubernetes/apps/v1";
import * as batch from "@pulumi/kubernetes/batch/v1";
import * as core from "@pulumi/kubernetes/core/v1";
import * as networking from "@pulumi/kubernetes/networking/v1";
import * as policy from "@pulumi/kubernetes/policy/v1";
import type * as pulumi from "@pulumi/pulumi";
import type { JsonObject } from "../model/json";
import type { LateObject } from "./late-bound";

type Made = new (name: string, args: never, opts?: pulumi.CustomResourceOptions) => pulumi.CustomResource;

/** Kinds that Pulumi has a class for, which knows when they are ready. A class is loaded when it is first named. */
const KINDS: Readonly<Record<string, () => Made>> = {
  ConfigMap: () => core.ConfigMap,
  CronJob: () => batch.CronJob,
  Deployment: () => apps.Deployment,
  Job: () => batch.Job,
  Namespace: () => core.Namespace,
  NetworkPolicy: () => networking.NetworkPolicy,
  PodDisruptionBudget: () => policy.PodDisruptionBudget,
  Service: () => core.Service,
  ServiceAccount: () => core.ServiceAccount,
};

/** Creates an object of the cluster as a Pulumi resource. */
export function createObject(name: string, object: JsonObject | LateObject, opts: pulumi.CustomResourceOptions): pulumi.CustomResource {
  const Kind = KINDS[String(object.kind)]?.();
  if (Kind !== undefined) return new Kind(name, object as never, opts);
  return new apiextensions.CustomResource(name, object as unknown as apiextensions.CustomResourceArgs, opts);
}
