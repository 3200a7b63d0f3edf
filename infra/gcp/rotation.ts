import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { RotationCronJob } from "../../constructs/gcp/parts/outputs";
import { PROGRAM_CONTAINER } from "../../constructs/gcp/program-job";
import { toRenewArguments, WAITING } from "../../constructs/gcp/task";
import { UserError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import type { Renewal } from "../../constructs/provisioning/renewal";
import type { RenewalReport } from "../cloud";
import { quote } from "../command-line";
import { ClusterApi, type ClusterName } from "./cluster-api";

/** Milliseconds between two checks of the Job. */
const LOOK = 500;
/** Conditions of a Job that has ended. */
const ENDS: readonly string[] = ["Complete", "Failed"];
/** Seconds for which a Job is kept after its end. */
const KEPT = 86_400;

/** The calls that each permission allows. docs/reference/permissions.md lists them. https://cloud.google.com/kubernetes-engine/docs/reference/api-permissions */
export const PERMISSIONS: Readonly<Record<string, RegExp>> = {
  "container.clusters.get": /^GET \/v1\/projects\/.+\/clusters\/[^/]+$/,
  "container.cronJobs.get": /^GET .+\/cronjobs\/[^/]+$/,
  "container.jobs.create": /^POST .+\/jobs$/,
  "container.jobs.get": /^GET .+\/jobs\/[^/]+$/,
  "container.pods.list": /^GET .+\/pods$/,
  "container.pods.getLogs": /^GET .+\/pods\/[^/]+\/log$/,
};

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
}
interface JobSpec {
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}
interface CronJob {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly jobTemplate: { readonly metadata?: JsonObject; readonly spec: JobSpec } };
}
interface Job {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[] };
}
interface Pod {
  readonly metadata: { readonly name: string };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: {
        readonly waiting?: { readonly reason?: string };
        readonly running?: object;
        readonly terminated?: { readonly exitCode: number };
      };
    }[];
  };
}

/**
 * Renews a platform's password in a Job that it creates from the CronJob, as `kubectl create job --from` does, with other arguments.
 * Returns the Job's output.
 *
 * @throws UserError
 */
export async function runRenewal(
  { cluster, cronJob, platform }: { readonly cluster: ClusterName; readonly cronJob: RotationCronJob; readonly platform: string },
  renewal: Renewal,
  onWait: (sentence: string) => void,
): Promise<RenewalReport> {
  const api = await ClusterApi.connect(cluster);
  const batch = `/apis/batch/v1/namespaces/${cronJob.namespace}`;
  const from = await api.read<CronJob>(`${batch}/cronjobs/${cronJob.cronJob}`);
  // Not a number like a scheduled Job's, so that the alert on failed rotations ignores it.
  const name = `${cronJob.cronJob}-h${randomBytes(4).toString("hex")}`;
  await api.create(`${batch}/jobs`, toRenewalJob(from, name, toRenewArguments(platform, renewal)));
  try {
    return await follow(api, cronJob.namespace, name, onWait);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const look = `kubectl logs --namespace ${quote(cronJob.namespace)} job/${name} --container ${PROGRAM_CONTAINER}`;
    throw new UserError(`Job ${name} was created, but its result is unknown: ${error.message}. To see it, run ${look}`);
  }
}

/** The Job runs once, because a second try could renew the password that the first one stored. */
export function toRenewalJob({ metadata, spec: { jobTemplate } }: CronJob, name: string, args: readonly string[]): object {
  const { template, ...spec } = jobTemplate.spec;
  const containers = template.spec.containers.map((container) =>
    container.name === PROGRAM_CONTAINER ? { ...container, args: [...(container.args ?? []).slice(0, 1), ...args] } : container,
  );
  const owner = { apiVersion: "batch/v1", kind: "CronJob", name: metadata.name, uid: metadata.uid };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      ...jobTemplate.metadata,
      name,
      namespace: metadata.namespace,
      annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
      ownerReferences: [owner],
    },
    spec: {
      ...spec,
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT,
      template: { ...template, spec: { ...template.spec, containers } },
    },
  };
}

/** Waits for the end of the program, at most until the Job's deadline. */
async function follow(api: ClusterApi, namespace: string, job: string, onWait: (sentence: string) => void): Promise<RenewalReport> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  for (;;) {
    // Reads the Job first, so that a program that ends in between is found below.
    const { status } = await api.read<Job>(`/apis/batch/v1/namespaces/${namespace}/jobs/${job}`);
    const { items } = await api.read<{ readonly items: readonly Pod[] }>(`${pods}?labelSelector=${encodeURIComponent(`job-name=${job}`)}`);
    for (const { metadata, status } of items) {
      const { terminated, running, waiting } = status?.containerStatuses?.find(({ name }) => name === PROGRAM_CONTAINER)?.state ?? {};
      const readLog = async () => toLines(await api.readText(`${pods}/${metadata.name}/log?container=${PROGRAM_CONTAINER}`));
      if (terminated !== undefined)
        return { sentences: (await readLog()).filter((line) => !line.startsWith(WAITING)), isDone: terminated.exitCode === 0 };
      // An unreadable log is not a reason to stop: the program continues.
      const lines = running === undefined ? [] : await readLog().catch(() => []);
      onWait(lines.at(-1) ?? `Job ${job}: ${waiting?.reason ?? "no output yet"}`);
    }
    const end = status?.conditions?.find(({ type, status: its }) => ENDS.includes(type) && its === "True");
    if (end?.type === "Complete") throw new UserError("the Job completed, but its pod was deleted before its log was read");
    if (end !== undefined) throw new UserError(`the Job failed (${end.message ?? "no reason is known"})`);
    await pause(LOOK);
  }
}

const toLines = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");
