import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../constructs/model/errors";
import { isObject } from "../constructs/model/json";
import { IS_CHECKOUT, PACKAGE_ROOT } from "../constructs/package/root";

/** Where a user's environments are: a project that `init` has made, or this repository. */
export interface Project {
  /** Absolute path. */
  readonly root: string;
  /** Folder of the environments, below the root. */
  readonly environments: string;
  /** File of the team's rules, below the root. */
  readonly rules: string;
}

/** What the package is called, and its command. */
export const PACKAGE = "platform-postgres";

let found: Project | undefined;

/** @throws UserError where the user stands in no project. */
export function project(): Project {
  found ??= IS_CHECKOUT
    ? { root: PACKAGE_ROOT, environments: "infra/environments", rules: "infra/rules.ts" }
    : { root: findRoot(), environments: "environments", rules: "rules.ts" };
  return found;
}

/** The project in which the user stands, otherwise that of `npx --prefix DIRECTORY`, which changes no directory, or the one with this package. */
function findRoot(): string {
  const places = [process.cwd(), process.env.npm_config_local_prefix ?? PACKAGE_ROOT, PACKAGE_ROOT];
  const root = places.map((place) => above(place, isProject)).find((each) => each !== null);
  if (root !== undefined) return root;
  throw new UserError(
    `${process.cwd()} is in no project: no package.json there or above names ${PACKAGE}; go to yours, or make one with npx ${PACKAGE} init NAME`,
  );
}

/** The next directory, from one upwards, of which something is true. */
export function above(directory: string, isIt: (directory: string) => boolean): string | null {
  if (isIt(directory)) return directory;
  return dirname(directory) === directory ? null : above(dirname(directory), isIt);
}

function isProject(directory: string): boolean {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return false;
  const { dependencies, devDependencies } = readManifest(file);
  return [dependencies, devDependencies].some((each) => isObject(each) && Object.hasOwn(each, PACKAGE));
}

/** Whatever is above a user may be broken, and is not this command's to judge. */
function readManifest(file: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isObject(content) ? content : {};
  } catch {
    return {};
  }
}
