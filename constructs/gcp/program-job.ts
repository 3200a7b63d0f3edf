import { labels, metadata, RESTRICTED } from "../kubernetes/metadata";
import type { Json, JsonObject } from "../model/json";

/** A single-file program that runs in the cluster, and its input. */
export interface ProgramPod {
  /** The environment. */
  readonly instance: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** ConfigMaps with the program and its input. Their files are mounted into one directory. */
  readonly configMaps: readonly string[];
  /** The program's file in one of them. */
  readonly file: string;
  /** The program's command. */
  readonly command: string;
  /** Its sidecar; null if it connects directly. */
  readonly sidecar: JsonObject | null;
}

/** Node.js without a shell or a package manager. https://github.com/GoogleContainerTools/distroless */
const IMAGE = "gcr.io/distroless/nodejs22-debian12:nonroot@sha256:13593b7570658e8477de39e2f4a1dd25db2f836d68a0ba771251572d23bb4f8e";

/** The program and its input are mounted here. */
const PROGRAM_PATH = "/program";

/** Name of the container with the program. */
export const PROGRAM_CONTAINER = "program";

/** Seconds for all tries together; the program ends each try earlier, and reports the cause. */
const DEADLINE_SECONDS = 1_200;
const RETRIES = 2;

function podSpec({ instance, serviceAccount, configMaps, file, command, sidecar }: ProgramPod): JsonObject {
  const container = {
    name: PROGRAM_CONTAINER,
    image: IMAGE,
    args: [`${PROGRAM_PATH}/${file}`, command],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    securityContext: RESTRICTED,
    // Shows the program's message to anyone who waits for the Job.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "program", mountPath: PROGRAM_PATH, readOnly: true }],
  };
  return {
    metadata: { labels: labels(instance) },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: serviceAccount,
      // It gets its identity from the node's metadata server, and never calls the Kubernetes API.
      automountServiceAccountToken: false,
      initContainers: sidecar === null ? undefined : [sidecar],
      containers: [container],
      volumes: [{ name: "program", projected: { sources: configMaps.map((name) => ({ configMap: { name } })) } }],
    },
  };
}

const jobSpec = (pod: ProgramPod): JsonObject => ({
  backoffLimit: RETRIES,
  activeDeadlineSeconds: DEADLINE_SECONDS,
  template: podSpec(pod),
});

/** A program or its input. It is immutable: other content has another name, so running pods keep their content. */
export function toProgramConfigMap(
  name: string,
  { namespace, instance }: Pick<ProgramPod, "namespace" | "instance">,
  data: JsonObject,
): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(name, namespace, instance), immutable: true, data };
}

/** Runs the program once. The Job remains when it is done; otherwise Pulumi would create it again. */
export function toProgramJob(name: string, pod: ProgramPod): JsonObject {
  return { apiVersion: "batch/v1", kind: "Job", metadata: metadata(name, pod.namespace, pod.instance), spec: jobSpec(pod) };
}

/** Runs the program every day, one run at a time. @param hour UTC, 0 to 23. */
export function toProgramCronJob(name: string, pod: ProgramPod, hour: number): JsonObject {
  const spec: Readonly<Record<string, Json>> = {
    schedule: `17 ${hour} * * *`,
    timeZone: "Etc/UTC",
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds: 3_600,
    successfulJobsHistoryLimit: 1,
    failedJobsHistoryLimit: 3,
    jobTemplate: { spec: jobSpec(pod) },
  };
  return { apiVersion: "batch/v1", kind: "CronJob", metadata: metadata(name, pod.namespace, pod.instance), spec };
}
