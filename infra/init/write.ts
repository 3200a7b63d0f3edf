import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { above, PACKAGE } from "../project";
import { type Manifest, type Needs, newManifest, ownScripts } from "./manifest";

/** Folder of a project for this package, if it was created from a packed file. */
const VENDOR = "vendor";

/** Writes the files that do not exist yet. @returns their paths. */
export function writeMissing(directory: string, files: Readonly<Record<string, string>>): readonly string[] {
  const missing = Object.entries(files).filter(([path]) => !existsSync(join(directory, path)));
  for (const [path, text] of missing) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return missing.map(([path]) => path);
}

/** Adds paths that git must ignore, such as those with passwords, to the project's `.gitignore`. */
export function ignore(directory: string, paths: readonly string[]): void {
  const file = join(directory, ".gitignore");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const bare = (path: string) => path.trim().replace(/^\/|\/$/g, "");
  const had = new Set(before.split("\n").map(bare));
  const missing = paths.filter((path) => !had.has(bare(path)));
  if (missing.length === 0) return;
  const start = before === "" || before.endsWith("\n") ? before : `${before}\n`;
  writeFileSync(file, `${start}${missing.join("\n")}\n`);
}

/** @throws UserError if the file system rejects a write. */
export function writing<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new UserError(`the project cannot be written (${error.message}); fix that, or choose another directory`);
  }
}

const PACKED = /\.tgz$/;

/** @throws UserError unless npm accepts the file as a package. */
export function checkPackage(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new UserError(`there is no file ${file}`);
  if (!PACKED.test(file)) throw new UserError(`--package: must be a .tgz file from npm pack, got ${file}`);
}

/** Copies a packed file of this package into a project. @returns its name for the manifest. */
export function keepPackage(directory: string, file: string): string {
  mkdirSync(join(directory, VENDOR), { recursive: true });
  const name = freeName(join(directory, VENDOR), file);
  copyFileSync(file, join(directory, VENDOR, name));
  return `file:${VENDOR}/${name}`;
}

/** npm does not reinstall a file of the same name, so a build with other content gets another name. */
function freeName(folder: string, file: string): string {
  const name = basename(file);
  const content = readFileSync(file);
  if (!existsSync(join(folder, name)) || readFileSync(join(folder, name)).equals(content)) return name;
  return name.replace(PACKED, `-${createHash("sha256").update(content).digest("hex").slice(0, 8)}.tgz`);
}

/** Returns a project's manifest; null if there is none. @throws UserError if it is not valid. */
export function readManifest(directory: string): Manifest | null {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return null;
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (isObject(content)) return content;
  } catch {}
  throw new UserError(`${file} is not a valid package.json; correct or remove it`);
}

/** Writes what a project needs into its manifest; the user's scripts and packages stay. */
export function writeManifest(directory: string, name: string, needs: Needs): void {
  const before: Manifest & object = readManifest(directory) ?? { name, ...newManifest() };
  const merged = {
    ...before,
    scripts: { ...needs.scripts, ...ownScripts(before) },
    dependencies: { ...before.dependencies, ...needs.dependencies },
    optionalDependencies: { ...before.optionalDependencies, ...needs.optionalDependencies },
  };
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(merged, null, 2)}\n`);
}

/** Installs a project's packages. @throws UserError with npm's output. */
export async function install(directory: string): Promise<void> {
  // Only the directory is set: registries, proxies and caches are the user's.
  const problem = await problemOf("npm", ["install", "--no-fund", "--no-audit"], directory);
  if (problem !== null)
    throw new UserError(`npm install failed in ${directory}; fix the cause, and run this command again. Its output:\n${problem}`);
  nameInstalled(directory);
}

/** Returns the output of a program that fails, otherwise null. Asynchronous, so that this process handles Ctrl-C, too. */
async function problemOf(program: string, args: readonly string[], directory: string): Promise<string | null> {
  const child = spawn(program, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<string | null>((resolve) => {
    child.on("error", ({ message }) => resolve(message));
    child.on("close", (code, signal) => resolve(code === 0 ? null : `nothing (${signal ?? `exit code ${code}`})`));
  });
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return end === null ? null : (stderr || stdout || end).trim();
}

/** Where npm installed this package: in a workspace, that is further up. @throws UserError if it is not installed. */
function installedAt(directory: string): string {
  const root = above(directory, (each) => existsSync(join(each, "node_modules", PACKAGE, "package.json")));
  if (root === null) throw new UserError(`npm install did not install ${PACKAGE} in ${directory}/node_modules, or in a directory above it`);
  return join(root, "node_modules", PACKAGE);
}

/** Corrects the files that name that place. Pulumi only runs a program within the project. */
function nameInstalled(directory: string): void {
  const place = relative(directory, installedAt(directory)).replaceAll(sep, "/");
  const inFile = (file: string, change: (content: string) => string) => {
    if (!existsSync(join(directory, file))) return;
    const before = readFileSync(join(directory, file), "utf8");
    if (change(before) !== before) writeFileSync(join(directory, file), change(before));
  };
  inFile("cdk.json", (content) => content.replace(/(?<=node )(?:\.\.\/)*node_modules\/platform-postgres(?=\/)/, place));
  if (!place.startsWith("..")) return;
  inFile("Pulumi.yaml", (content) => {
    const [line, program] = /^main: (node_modules\/\S+)$/m.exec(content) ?? [];
    if (line === undefined || program === undefined) return content;
    const target = program.replace(`node_modules/${PACKAGE}`, place);
    writeFileSync(join(directory, "index.cjs"), `module.exports = require(${JSON.stringify(target)});\n`);
    return content.replace(line, "main: index.cjs");
  });
}

/**
 * Takes the first snapshots with the project's installed package.
 *
 * @param added new environments; without any snapshots yet, those of all environments are taken.
 */
export async function takeSnapshots(directory: string, added: readonly string[]): Promise<void> {
  const program = join(installedAt(directory), "dist", "infra", "bin.js");
  const isFirst = !existsSync(join(directory, "environments", "snapshots"));
  for (const only of isFirst ? [[]] : added.map((name) => ["--environment", name])) {
    const problem = await problemOf(process.execPath, [program, "snapshot", "--update", ...only], directory);
    if (problem !== null) throw new UserError(`cannot take the first snapshots: ${problem}`);
  }
}
