import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { toMigrateJob } from "../constructs/kubernetes/objects";
import { objectsOf, type PlatformObject } from "../constructs/kubernetes/platform-objects";
import { type SecretFields, toField } from "../constructs/kubernetes/secret-template";
import { writeAtomically } from "../constructs/local/files";
import { UserError } from "../constructs/model/errors";
import type { JsonObject } from "../constructs/model/json";
import type { Kustomization, ProcessText, Variable, Wiring } from "../constructs/model/platform";
import type { Wired } from "../constructs/model/wire";
import { type InstructionsSource, toInstructions } from "./instructions";
import { toYaml } from "./yaml";

/** One file of `out/<environment>/`, with its path in there. */
export interface OutputFile {
  readonly path: string;
  readonly content: string;
  /** Whether only its owner may read it (mode 0600). */
  readonly secret: boolean;
}

/** Facts of a target for the files of a platform. */
export interface PlatformFilesSource extends InstructionsSource {
  readonly objects: readonly PlatformObject[];
}

/** The files of one platform that contain no secret and are the same for every target. */
export function toPlatformFiles(name: string, wired: Wired, from: PlatformFilesSource): readonly OutputFile[] {
  const job = toMigrateJob(wired);
  const files: OutputFile[] = [
    ...releaseFiles(name, wired),
    { path: `${name}/manifests.yaml`, content: toYaml(objectsOf(from.objects, "namespace", "ca", "access", "own")), secret: false },
    { path: `${name}/README.txt`, content: toInstructions(name, wired, from), secret: false },
  ];
  return job === null ? files : [...files, { path: `${name}/migrate-job.yaml`, content: toYaml([job]), secret: false }];
}

function releaseFiles(name: string, { namespace, wiring: { release } }: Wired): readonly OutputFile[] {
  if (release.kind === "helm") return [{ path: `${name}/values.yaml`, content: toYaml([release.values]), secret: false }];
  if (release.kind === "deployment") return [{ path: `${name}/deployment-patch.yaml`, content: toYaml([release.patch]), secret: false }];
  return [{ path: `${name}/kustomization.yaml`, content: toYaml([toKustomization(release, namespace)]), secret: false }];
}

/** https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ */
export function toKustomization({ base, images, patches, replacements }: Kustomization, namespace: string): JsonObject {
  return {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace,
    resources: [base],
    images: images.length === 0 ? undefined : images,
    patches: patches.map(({ target, patch }) => ({ target: target ?? undefined, patch: toYaml([patch]) })),
    replacements: replacements.length === 0 ? undefined : replacements,
  };
}

/** Values of placeholders for a process on this machine. */
export interface ProcessValues {
  readonly credential: SecretFields;
  /** The Secret's content, by key. */
  readonly secret: Readonly<Record<string, string>>;
  /** Absolute path of the CA. */
  readonly caFile: string;
  /** Absolute path of the platform's files. */
  readonly directory: string;
}

/** Returns a text for a process with its placeholders replaced. */
function toProcessText(text: ProcessText, { credential, caFile, directory }: ProcessValues): string {
  return text
    .map((part) => {
      if (typeof part === "string") return part;
      if ("field" in part) return toField(part, credential);
      return "caFile" in part ? caFile : join(directory, part.file);
    })
    .join("");
}

/** Whether a text for a process contains a password. */
const holdsPassword = (text: ProcessText): boolean =>
  text.some((part) => typeof part !== "string" && "field" in part && part.field === "password");

function textOf(name: string, variable: Variable | ProcessText, values: ProcessValues): string {
  if (typeof variable === "string") return variable;
  if (isText(variable)) return toProcessText(variable, values);
  if (!("secretKey" in variable)) return values.caFile;
  const text = values.secret[variable.secretKey];
  if (text === undefined) throw new TypeError(`${name} reads the key ${variable.secretKey}, which the Secret lacks`);
  return text;
}

const isText = (variable: Variable | ProcessText): variable is ProcessText => Array.isArray(variable);

/**
 * Process variables as lines `NAME=value`, without quotes, for `env $(cat platform.env)` and `docker run --env-file`.
 *
 * @throws UserError if a value contains white space, which neither of the two supports.
 */
export function toEnvFile(variables: Wiring["variables"], values: ProcessValues): string {
  const lines = Object.entries(variables).map(([name, variable]) => {
    const value = textOf(name, variable, values);
    // The value is not shown, because it may be secret.
    if (/\s/.test(value)) throw new UserError(`${name} would contain white space, which platform.env does not support; remove it`);
    return `${name}=${value}`;
  });
  return `${lines.join("\n")}\n`;
}

/** The files with which a process of the platform starts on this machine, the main file first. */
export function toProcessFiles(name: string, { variables, files }: Wiring, values: ProcessValues): readonly OutputFile[] {
  const own = Object.entries(files).map(
    ([file, text]): OutputFile => ({
      path: `${name}/${file}`,
      content: toProcessText(text, values),
      secret: holdsPassword(text),
    }),
  );
  if (Object.keys(variables).length === 0) return own;
  return [{ path: `${name}/platform.env`, content: toEnvFile(variables, values), secret: true }, ...own];
}

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes each file atomically, and removes files of platforms that no longer exist. */
export async function writeOutput(directory: string, files: readonly OutputFile[]): Promise<void> {
  const kept = new Set(files.map((file) => file.path.split("/")[0]));
  const found = await readdir(directory).catch(() => []);
  for (const entry of found)
    if (!kept.has(entry) && !entry.endsWith(".tmp")) await rm(join(directory, entry), { recursive: true, force: true });
  for (const { path, content, secret } of files) await writeAtomically(join(directory, path), content, secret ? SECRET_MODE : PUBLIC_MODE);
}
