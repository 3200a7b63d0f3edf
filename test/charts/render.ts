import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { UserError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import type { Kustomization } from "../../constructs/model/platform";
import { toKustomization } from "../../infra/output";
import { toYaml } from "../../infra/yaml";
import { helm, kubectl, run } from "../proof/tools";
import type { FoundChart } from "./source";

/** Where a release goes. */
export interface Place {
  readonly release: string;
  readonly namespace: string;
}

/** Without it flyte-core writes a definition of an API that Kubernetes 1.22 dropped. */
const API_VERSIONS = "apiextensions.k8s.io/v1/CustomResourceDefinition";

/** What Helm makes of a release. @throws UserError with Helm's words. */
export function renderHelm({ path, chart, version }: FoundChart, values: JsonObject, { release, namespace }: Place): readonly JsonObject[] {
  const args = ["template", release, path, "--namespace", namespace, "--api-versions", API_VERSIONS, "--skip-tests", "--values", "-"];
  const { code, stdout, output } = run(helm(), args, toYaml([values]));
  if (code !== 0) throw new UserError(`helm cannot render ${chart} ${version}: ${output.trim()}`);
  return toObjects(stdout);
}

/**
 * What kubectl makes of a kustomization.
 *
 * @param tree of the repository that the base is in.
 * @throws UserError with kubectl's words.
 */
export function renderKustomization(release: Kustomization, namespace: string, tree: string): readonly JsonObject[] {
  // A base has to be named relatively, and a link on the way would be another path.
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "platform-postgres-charts-")));
  try {
    const base = relative(directory, inTree(release.base, tree));
    writeFileSync(join(directory, "kustomization.yaml"), toYaml([toKustomization({ ...release, base }, namespace)]));
    const { code, stdout, output } = run(kubectl(), ["kustomize", directory]);
    if (code !== 0) throw new UserError(`kubectl cannot build ${release.base}: ${output.trim()}`);
    return toObjects(stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `github.com/owner/name/path?ref=commit` within a copy of the repository. */
function inTree(base: string, tree: string): string {
  const path = join(realpathSync(tree), ...base.replace(/\?.*$/, "").split("/").slice(3));
  if (!existsSync(path)) throw new UserError(`${path} does not exist; it has to be a copy of the repository in ${base}`);
  return path;
}

const toObjects = (documents: string): readonly JsonObject[] =>
  parseAllDocuments(documents)
    .map((document) => document.toJS() as JsonObject | null)
    .filter((object) => object !== null)
    .flatMap((object) => (object.kind === "List" ? (object.items as readonly JsonObject[]) : [object]));
