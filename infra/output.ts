import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomically } from "../constructs/local/files";
import { toCaConfigMap, toMigrateJob, toNamespace } from "../constructs/manifests/objects";
import { UserError } from "../constructs/model/errors";
import type { JsonObject } from "../constructs/model/json";
import type { Variable, Variables } from "../constructs/model/platform";
import type { Wired } from "../constructs/model/wire";

/** One file of `out/<environment>/`, by its path below that. */
export interface OutputFile {
  readonly path: string;
  readonly content: string;
  /** True for what may be read by nobody else (mode 0600). */
  readonly secret: boolean;
}

/** What the files of a platform need to know of its target. */
export interface PlatformFilesSource {
  /** PEM text. */
  readonly ca: string;
  /** The file beside them that makes the Secret. */
  readonly secretFile: string;
  /** What a person must change before the files are right for a cluster; null where nothing. */
  readonly caution: string | null;
}

/** The files of one platform that hold no secret, and are the same for every target. */
export function toPlatformFiles(name: string, title: string, wired: Wired, from: PlatformFilesSource): readonly OutputFile[] {
  const job = toMigrateJob(wired);
  const manifests = [toNamespace(wired), toCaConfigMap(wired, from.ca), ...wired.wiring.objects].filter((object) => object !== null);
  const files: OutputFile[] = [
    ...releaseFiles(name, wired),
    { path: `${name}/manifests.yaml`, content: toYaml(manifests), secret: false },
    { path: `${name}/README.txt`, content: toReadme(name, title, wired, from), secret: false },
  ];
  return job === null ? files : [...files, { path: `${name}/migrate-job.yaml`, content: toYaml([job]), secret: false }];
}

function releaseFiles(name: string, { wiring: { release } }: Wired): readonly OutputFile[] {
  if (release.kind === "helm") return [{ path: `${name}/values.yaml`, content: toYaml([release.values]), secret: false }];
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [release.base],
    patches: release.patches,
  };
  return [{ path: `${name}/kustomization.yaml`, content: toYaml([kustomization]), secret: false }];
}

/** Objects as YAML documents. */
export function toYaml(objects: readonly JsonObject[]): string {
  return objects.map((object) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}

interface VariableValues {
  /** The Secret's content, by key. */
  readonly secret: Readonly<Record<string, string>>;
  /** Absolute path of the CA. */
  readonly caFile: string;
}

function textOf(name: string, variable: Variable, { secret, caFile }: VariableValues): string {
  if (typeof variable === "string") return variable;
  if (!("secretKey" in variable)) return caFile;
  const text = secret[variable.secretKey];
  if (text === undefined) throw new TypeError(`${name} reads the key ${variable.secretKey}, which the Secret lacks`);
  return text;
}

/**
 * Process variables as lines `NAME=value`, without quotes, for `env $(cat platform.env)` and `docker run --env-file`.
 *
 * @throws UserError where a value has a blank or a line break, which neither of the two could carry.
 */
export function toEnvFile(variables: Variables, values: VariableValues): string {
  const lines = Object.entries(variables).map(([name, variable]) => {
    const value = textOf(name, variable, values);
    // The value is not shown: it may be a secret.
    if (/\s/.test(value)) throw new UserError(`${name} would contain a blank, which platform.env cannot carry; write it without`);
    return `${name}=${value}`;
  });
  return `${lines.join("\n")}\n`;
}

function toReadme(
  name: string,
  title: string,
  { namespace, release: releaseName, connection, wiring }: Wired,
  { secretFile, caution }: PlatformFilesSource,
): string {
  const { release, health } = wiring;
  const mind = [...(caution === null ? [] : [caution]), ...wiring.notes];
  const wait = release.kind === "helm" && release.wait ? " --wait" : "";
  const install =
    release.kind === "helm"
      ? `helm upgrade --install ${releaseName} ${release.chart} --repo ${release.repository} --version ${release.version} \\\n    --namespace ${namespace} --values values.yaml${wait}`
      : "kubectl apply -k .";
  const tls =
    connection.tls.mode === "proxy"
      ? "through a proxy, which verifies the server"
      : `${connection.tls.mode}, CA in ConfigMap ${connection.tls.ca.configMap}, mounted at ${connection.tls.ca.mountPath}`;
  return [
    `${title}: release ${releaseName} in namespace ${namespace}`,
    "",
    `Database   ${Object.values(connection.databases).join(", ")} on ${connection.host}:${connection.port}`,
    `Secret     ${connection.secret} (${Object.keys(wiring.secret).join(", ")})`,
    `TLS        ${tls}`,
    `Health     GET ${health.path} ${health.asksDatabase ? "(asks the database)" : "(does not ask the database)"}`,
    "",
    "In a cluster:",
    "",
    "  kubectl apply -f manifests.yaml",
    `  kubectl apply -f ${secretFile}`,
    `  ${install.replaceAll("\n", "\n  ")}`,
    ...(wiring.migrate === null ? [] : ["", "To migrate by hand, with the release stopped:", "", "  kubectl apply -f migrate-job.yaml"]),
    ...(mind.length === 0 ? [] : ["", "Mind:", "", ...mind.map((note) => `  - ${note}`)]),
    "",
    `A rotation changes user name and password in Secret ${connection.secret}. Reloader (stakater.com) restarts the pods; without it: kubectl rollout restart deployment --namespace ${namespace}`,
    "",
    `Made by platform-postgres for platform ${name}.`,
    "",
  ].join("\n");
}

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes the files, each as a whole, and removes what an earlier run wrote for platforms that are gone. */
export async function writeOutput(directory: string, files: readonly OutputFile[]): Promise<void> {
  const kept = new Set(files.map((file) => file.path.split("/")[0]));
  const found = await readdir(directory).catch(() => []);
  for (const entry of found)
    if (!kept.has(entry) && !entry.endsWith(".tmp")) await rm(join(directory, entry), { recursive: true, force: true });
  for (const { path, content, secret } of files) await writeAtomically(join(directory, path), content, secret ? SECRET_MODE : PUBLIC_MODE);
}
