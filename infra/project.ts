import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../constructs/model/errors";
import { isObject } from "../constructs/model/json";
import { IS_CHECKOUT, PACKAGE_ROOT } from "../constructs/package/root";

/** The place of a user's environments: a project that `init` created, or this repository. */
export interface Project {
  /** Absolute path. */
  readonly root: string;
  /** Folder of the environments, below the root. */
  readonly environments: string;
  /** File of the team's rules, below the root. */
  readonly rules: string;
}

/** Name of the package and its command. */
export const PACKAGE = "platform-postgres";

let found: Project | undefined;

/** @throws UserError outside of a project. */
export function project(): Project {
  found ??= IS_CHECKOUT
    ? { root: PACKAGE_ROOT, environments: "infra/environments", rules: "infra/rules.ts" }
    : { root: findRoot(), environments: "environments", rules: "rules.ts" };
  return found;
}

/** Finds the project of the current directory, or that of `npx --prefix DIRECTORY`, which stays in its directory, or this package's. */
function findRoot(): string {
  const places = [process.cwd(), process.env.npm_config_local_prefix ?? PACKAGE_ROOT, PACKAGE_ROOT];
  const root = places.map((place) => above(place, isProject)).find((each) => each !== null);
  if (root !== undefined) return root;
  throw new UserError(
    `${process.cwd()} is not in a project: no package.json there or above names ${PACKAGE}; change to your project, or create one with npx ${PACKAGE} init NAME`,
  );
}

/** Returns the nearest directory, from one upwards, that passes a test. */
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

/** Ignores invalid files, because those above a project are not this command's concern. */
function readManifest(file: string): Readonly<Record<string, unknown>> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    return isObject(content) ? content : {};
  } catch {
    return {};
  }
}
