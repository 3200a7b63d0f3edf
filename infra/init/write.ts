import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { PACKAGE } from "../project";
import type { Manifest } from "./manifest";

/** Where a project keeps this package, if it was made from a file of it. */
const VENDOR = "vendor";

/** Writes files that are not there yet. @returns the paths of those. */
export function writeMissing(directory: string, files: Readonly<Record<string, string>>): readonly string[] {
  const missing = Object.entries(files).filter(([path]) => !existsSync(join(directory, path)));
  for (const [path, text] of missing) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return missing.map(([path]) => path);
}

/** Copies a packed file of this package into a project. @returns how its manifest names it. */
export function keepPackage(directory: string, file: string): string {
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`);
  mkdirSync(join(directory, VENDOR), { recursive: true });
  copyFileSync(file, join(directory, VENDOR, basename(file)));
  return `file:${VENDOR}/${basename(file)}`;
}

/** The manifest of a project: null where there is none. @throws UserError where it is not valid. */
export function readManifest(directory: string): (Manifest & { readonly name?: string }) | null {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return null;
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (isObject(content)) return content;
  } catch {}
  throw new UserError(`${file} is no valid package.json; mend or remove it`);
}

/** A new project's, before it needs anything. */
const NEW = { private: true, engines: { node: ">=20.19" } };

/** Writes what a project needs into its manifest; scripts and packages of the user's own stay. */
export function writeManifest(directory: string, name: string, needs: Required<Manifest>): void {
  const before: Manifest & object = readManifest(directory) ?? Object.assign({ name }, NEW);
  const merged = {
    ...before,
    scripts: { ...needs.scripts, ...before.scripts },
    dependencies: { ...before.dependencies, ...needs.dependencies },
    optionalDependencies: { ...before.optionalDependencies, ...needs.optionalDependencies },
  };
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(merged, null, 2)}\n`);
}

/** Installs a project's packages. @throws UserError with what npm says. */
export function install(directory: string): void {
  // Registries, proxies and caches are the user's: nothing but the directory is said.
  const { status, stdout, stderr } = spawnSync("npm", ["install", "--no-fund", "--no-audit"], { cwd: directory, encoding: "utf8" });
  if (status === 0) return;
  throw new UserError(`npm install failed in ${directory}; run it again there. It said:\n${(stderr || stdout || "nothing").trim()}`);
}

/** Takes the first snapshots, by the project's own package. */
export function takeSnapshots(directory: string): void {
  const program = join(directory, "node_modules", PACKAGE, "dist", "infra", "bin.js");
  const { status, stderr } = spawnSync(process.execPath, [program, "snapshot", "--update"], { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new UserError(`the first snapshots cannot be taken: ${stderr.trim()}`);
}
