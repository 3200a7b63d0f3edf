import { checkov, MissingTool, run } from "../tools";

/** A finding of checkov that stays, the kinds of objects that it is about, and why. */
interface Answer {
  readonly kinds: readonly string[];
  readonly because: string;
}

/** By checkov's id. Every other finding, and an answer to none, fails the proof. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  CKV2_K8S_6: {
    kinds: ["Pod"],
    because: "a policy would need the address of the database, and of Google's APIs, which Kubernetes knows by no name",
  },
  CKV_K8S_11: {
    kinds: ["CronJob", "Deployment", "Job"],
    because: "a limit of CPU slows a pod down where the node has time to spare; memory is limited",
  },
  CKV_K8S_14: {
    kinds: ["Job"],
    because: "SkillFlaw's project publishes no tag but latest; a rule asks for another image in its settings",
  },
  CKV_K8S_15: {
    kinds: ["CronJob", "Deployment", "Job"],
    because: "tags of versions do not move, and a pod must start while the registry is away",
  },
  CKV_K8S_29: {
    kinds: ["CronJob", "Deployment", "Job"],
    because: "each container has its own security context; the check reads the pod's only",
  },
  CKV_K8S_31: { kinds: ["CronJob"], because: "each container has RuntimeDefault; checkov reads the pod's only" },
  CKV_K8S_35: { kinds: ["Job"], because: "the platforms' programs take their login from variables" },
  CKV_K8S_40: { kinds: ["Job"], because: "1001 is the user that the charts of MLflow, Prefect and Flyte run these images as" },
  CKV_K8S_43: {
    kinds: ["CronJob", "Deployment", "Job"],
    because: "a version's digest differs by registry and platform; images in settings take one",
  },
};

interface Failed {
  readonly check_id: string;
  readonly check_name: string;
  readonly resource: string;
  readonly file_path: string;
}

/** What checkov finds in a folder. @throws MissingTool where it cannot be had. */
export function findIn(directory: string): { readonly passed: number; readonly failed: readonly Failed[] } {
  const options = ["--framework", "kubernetes", "--output", "json", "--quiet", "--compact", "--skip-download", "--soft-fail"];
  const { code, output } = run(checkov(), ["-m", "checkov.main", "--directory", directory, ...options]);
  if (code !== 0) throw new MissingTool(`checkov cannot run (${output.trim().split("\n").at(-1)})`);
  const { results, summary } = JSON.parse(output.slice(output.indexOf("{"))) as {
    readonly results: { readonly failed_checks: readonly Failed[] };
    readonly summary: { readonly passed: number };
  };
  return { passed: summary.passed, failed: results.failed_checks };
}

/** Findings that nobody has answered, and answers that nothing is found for. */
export function unanswered(failed: readonly Failed[], titleOf: (file: string) => string): readonly string[] {
  const kindOf = ({ resource }: Failed) => resource.split(".")[0] ?? "";
  const open = failed.filter((each) => !ANSWERS[each.check_id]?.kinds.includes(kindOf(each)));
  const kept = Object.entries(ANSWERS).flatMap(([id, { kinds }]) => kinds.map((kind) => [id, kind] as const));
  const idle = kept.filter(([id, kind]) => !failed.some((each) => each.check_id === id && kindOf(each) === kind));
  return [
    ...open.map((each) => `${each.check_id} ${each.check_name}: ${each.resource} of ${titleOf(each.file_path)}`),
    ...idle.map(([id, kind]) => `${id} is answered for ${kind}, and not found: take the answer away`),
  ];
}
