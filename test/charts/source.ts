import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { UserError } from "../../constructs/model/errors";
import type { Chart } from "../../constructs/model/platform";
import { chartDirectory } from "../../constructs/package/root";
import { helm, MissingTool, repositoryAt, run } from "../proof/tools";

/** Charts that were pulled; they can be deleted at any time. */
const PULLED = resolve(__dirname, "..", "..", ".local", "charts");

/** A version of a chart, on this machine. */
export interface FoundChart {
  readonly chart: string;
  readonly version: string;
  /** Its folder or archive. */
  readonly path: string;
}

/**
 * Where a chart is: in `directory` as `NAME-VERSION` or `NAME-VERSION.tgz`, as `helm pull` calls it; without one it is pulled. This
 * project's own chart is in the tree.
 *
 * @throws MissingTool where it is not there, UserError where the chart in the tree has another version.
 */
export function findChart(
  kind: string,
  { name, repository }: Pick<Chart, "name" | "repository">,
  version: string,
  directory: string | null,
): FoundChart {
  if (repository === null) return inTree(kind, name, version);
  const found = inDirectory(directory ?? PULLED, `${name}-${version}`);
  if (found !== null) return { chart: name, version, path: found };
  if (directory !== null)
    throw new MissingTool(
      `${directory} has neither ${name}-${version} nor ${name}-${version}.tgz; run helm pull ${name} --repo ${repository} --version ${version}, or leave --charts out`,
    );
  mkdirSync(PULLED, { recursive: true });
  const { code, output } = run(helm(), ["pull", name, "--repo", repository, "--version", version, "--destination", PULLED]);
  const pulled = inDirectory(PULLED, `${name}-${version}`);
  if (code !== 0 || pulled === null)
    throw new MissingTool(
      `helm cannot pull ${name} ${version} from ${repository} (${output.trim().split("\n").at(-1)}); name a directory that has it with --charts`,
    );
  return { chart: name, version, path: pulled };
}

/**
 * The repository of a kustomize base: in `directory` as `NAME-REFERENCE`; without a directory, git fetches it.
 *
 * @throws MissingTool where it is not there.
 */
export function findTree({ name, repository }: Chart, reference: string, directory: string | null): FoundChart {
  if (repository === null) throw new TypeError(`${name} has no repository`);
  if (directory === null) return { chart: name, version: reference, path: repositoryAt(repository, reference) };
  const path = inDirectory(directory, `${name}-${reference}`);
  if (path === null)
    throw new MissingTool(`${directory} has no ${name}-${reference}; check out ${repository} there at ${reference}, or leave --charts out`);
  return { chart: name, version: reference, path };
}

function inTree(kind: string, name: string, version: string): FoundChart {
  const path = chartDirectory(kind);
  const { version: own } = parse(readFileSync(join(path, "Chart.yaml"), "utf8")) as { readonly version: string };
  if (version !== own) throw new UserError(`the chart ${name} is in this checkout, in version ${own}, got "${version}"; use ${own}`);
  return { chart: name, version, path };
}

const inDirectory = (directory: string, name: string): string | null =>
  [name, `${name}.tgz`].map((each) => join(directory, each)).find((path) => existsSync(path)) ?? null;
