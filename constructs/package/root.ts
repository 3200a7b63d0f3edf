import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** Directory of this package: of the checkout, or within `node_modules`. Found by its `package.json`, which also works for bundles. */
export const PACKAGE_ROOT = findRoot(__dirname);

/** Whether this is the repository: the published package has no sources. */
export const IS_CHECKOUT = existsSync(join(PACKAGE_ROOT, "infra", "project.ts"));

function findRoot(directory: string): string {
  if (existsSync(join(directory, "package.json"))) return directory;
  if (dirname(directory) === directory) throw new TypeError("this package has lost its package.json");
  return findRoot(dirname(directory));
}

/** Returns the directory of a kind of platform. */
export const platformDirectory = (kind: string): string => join(PACKAGE_ROOT, "constructs", "platforms", kind);

/** Returns the directory of the chart that this project ships for a platform. */
export const chartDirectory = (kind: string): string => join(platformDirectory(kind), "chart");
