import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "./root";

/** Settings of every bundle: one file of CommonJS for the Node of Lambda and of the Job's image. */
const BUNDLE = { bundle: true, platform: "node", target: "node22", minify: true, legalComments: "none", logLevel: "error" } as const;

const SOURCES = join(PACKAGE_ROOT, "constructs");
/** Where the published package has its bundles. */
const PUBLISHED = join(PACKAGE_ROOT, "dist", "bundles");

/** Programs that run somewhere else: their sources below `constructs`, by name. */
export const PROGRAMS = { program: "aws/functions/program.ts" } as const;

/**
 * Folder with a program as one file, `<name>.js`, without anything it needs beside it.
 *
 * In a checkout it is made when a source is newer; the published package has it made, and no source.
 */
export function bundleDirectory(name: keyof typeof PROGRAMS): string {
  const file = join(SOURCES, PROGRAMS[name]);
  const isCheckout = existsSync(file);
  const directory = join(isCheckout ? join(PACKAGE_ROOT, ".build", "bundles") : PUBLISHED, name);
  const outfile = join(directory, `${name}.js`);
  if (isCheckout && changedAt(outfile) <= newestSource()) bundle(file, outfile);
  return directory;
}

/** Makes the bundles that are published. */
export function publishBundles(): void {
  for (const [name, source] of Object.entries(PROGRAMS)) bundle(join(SOURCES, source), join(PUBLISHED, name, `${name}.js`));
}

/** Milliseconds since 1970; 0 for what is not there. */
const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What programs are made of: none has platforms or a local server in it. */
const MADE_OF = ["aws", "model", "package", "provisioning"].map((folder) => join(SOURCES, folder));

/** Folders change when a file in them is deleted; the lock file changes with dependencies. */
function newestSource(): number {
  const entries = MADE_OF.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const paths = [...MADE_OF, join(PACKAGE_ROOT, "package-lock.json"), ...entries.map((entry) => join(entry.parentPath, entry.name))];
  return Math.max(...paths.map(changedAt));
}

/** Written as a whole: several processes may make it at once. */
function bundle(file: string, outfile: string): void {
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  const { outputFiles } = buildSync({ ...BUNDLE, entryPoints: [file], absWorkingDir: PACKAGE_ROOT, write: false });
  mkdirSync(dirname(outfile), { recursive: true });
  const half = `${outfile}.${process.pid}`;
  writeFileSync(half, outputFiles[0]?.contents ?? "");
  renameSync(half, outfile);
}
