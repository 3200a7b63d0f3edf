import { labels, metadata, RESTRICTED } from "../kubernetes/metadata";
import type { Json, JsonObject } from "../model/json";

/** A program in one file that runs in the cluster, and what it is given. */
export interface ProgramPod {
  /** The environment. */
  readonly instance: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** ConfigMaps with the program, and with what it reads beside it. Their files are mounted into one folder. */
  readonly configMaps: readonly string[];
  /** The program's file in one of them. */
  readonly file: string;
  /** The program's command. */
  readonly command: string;
  /** Beside it; null where it connects by itself. */
  readonly sidecar: JsonObject | null;
}

/** Node.js without a shell or a package manager. https://github.com/GoogleContainerTools/distroless */
const IMAGE = "gcr.io/distroless/nodejs22-debian12:nonroot@sha256:13593b7570658e8477de39e2f4a1dd25db2f836d68a0ba771251572d23bb4f8e";

/** The program, and what it reads, are mounted here. */
const PROGRAM_PATH = "/program";

/** Name of the container with the program. */
export const PROGRAM_CONTAINER = "program";

/** Seconds after which all tries together are given up; the program gives up each before, and says why. */
const DEADLINE_SECONDS = 1_200;
const RETRIES = 2;

function podSpec({ instance, serviceAccount, configMaps, file, command, sidecar }: ProgramPod): JsonObject {
  const container = {
    name: PROGRAM_CONTAINER,
    image: IMAGE,
    args: [`${PROGRAM_PATH}/${file}`, command],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } },
    securityContext: RESTRICTED,
    // So that whoever waits for the Job is shown the program's sentence.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "program", mountPath: PROGRAM_PATH, readOnly: true }],
  };
  return {
    metadata: { labels: labels(instance) },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: serviceAccount,
      // Its identity is the node's metadata server's to give; it asks nothing of Kubernetes.
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

/** A program, or what it reads. It never changes: another content has another name, and pods that run keep what they have mounted. */
export function toProgramConfigMap(
  name: string,
  { namespace, instance }: Pick<ProgramPod, "namespace" | "instance">,
  data: JsonObject,
): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(name, namespace, instance), immutable: true, data };
}

/** Runs the program once. It stays when it is done: who made it would make it again. */
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
