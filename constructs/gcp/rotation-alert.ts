import * as monitoring from "@pulumi/gcp/monitoring";
import type * as pulumi from "@pulumi/pulumi";
import { PROGRAM_CONTAINER } from "./program-job";

export interface RotationAlertArgs {
  readonly project: string;
  /** Namespace of the CronJob, and its name. */
  readonly namespace: string;
  readonly cronJob: string;
  /** Who is notified: `projects/P/notificationChannels/N`. */
  readonly notificationChannels: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Notifies people when a rotation failed, was postponed, or changed a password that sessions still used: the CronJob reports these on stderr. */
export function createRotationAlert(
  name: string,
  { project, namespace, cronJob, notificationChannels, labels }: RotationAlertArgs,
  opts: pulumi.CustomResourceOptions,
): void {
  const title = "a rotation failed, was postponed, or changed a password that sessions still used";
  // Google Cloud gives lines of stderr this severity: https://cloud.google.com/kubernetes-engine/docs/concepts/about-logs
  const filter = `resource.type="k8s_container" AND resource.labels.namespace_name="${namespace}" AND resource.labels.pod_name=~"^${cronJob}-[0-9]+-" AND resource.labels.container_name="${PROGRAM_CONTAINER}" AND severity>=ERROR`;
  new monitoring.AlertPolicy(
    name,
    {
      project,
      combiner: "OR",
      notificationChannels: [...notificationChannels],
      userLabels: labels,
      displayName: `PostgreSQL ${name}: ${title}`,
      conditions: [{ displayName: title, conditionMatchedLog: { filter } }],
      alertStrategy: { notificationRateLimit: { period: "3600s" }, autoClose: "86400s" },
    },
    opts,
  );
}
