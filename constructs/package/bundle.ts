import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "./root";

/** Settings of every bundle: one file of CommonJS for the Node of Lambda and of the Job's image. */
const BUNDLE = { bundle: true, platform: "node", target: "node22", minify: true, legalComments: "none", logLevel: "error" } as const;

/** Name of every bundle, each in a folder of its own. */
export const BUNDLE_FILE = "program.js";

const SOURCES = join(PACKAGE_ROOT, "constructs");
/** Where the published package has its bundles. */
const PUBLISHED = join(PACKAGE_ROOT, "dist", "bundles");

/** Programs that run somewhere else, in a function of AWS and in a Job of Kubernetes: their sources below `constructs`, by name. */
export const PROGRAMS = { functions: "aws/functions/program.ts", job: "gcp/job/program.ts" } as const;

/**
 * Folder with a program as one file, `program.js`, without anything it needs beside it.
 *
 * In a checkout it is made when a source is newer; the published package has it made, and no source.
 */
export function bundleDirectory(name: keyof typeof PROGRAMS): string {
  const file = join(SOURCES, PROGRAMS[name]);
  const isCheckout = existsSync(file);
  const directory = join(isCheckout ? join(PACKAGE_ROOT, ".build", "bundles") : PUBLISHED, name);
  const outfile = join(directory, BUNDLE_FILE);
  if (isCheckout && changedAt(outfile) <= newestSource()) bundle(file, outfile);
  return directory;
}

/**
 * Makes the bundles that are published.
 *
 * @returns the files of other packages that are in them, relative to the root.
 */
export function publishBundles(): readonly string[] {
  const files = Object.entries(PROGRAMS).flatMap(([name, source]) => bundle(join(SOURCES, source), join(PUBLISHED, name, BUNDLE_FILE)));
  return files.filter((file) => file.includes("node_modules/"));
}

/** Milliseconds since 1970; 0 for what is not there. */
const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What programs are made of: none has platforms or a local server in it. */
const MADE_OF = ["aws", "gcp", "model", "package", "provisioning"].map((folder) => join(SOURCES, folder));

/** Folders change when a file in them is deleted; the lock file changes with dependencies. */
function newestSource(): number {
  const entries = MADE_OF.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const paths = [...MADE_OF, join(PACKAGE_ROOT, "package-lock.json"), ...entries.map((entry) => join(entry.parentPath, entry.name))];
  return Math.max(...paths.map(changedAt));
}

/** A program's text, and what changes whenever it does. Looked at once in each process. */
export function readBundle(name: keyof typeof PROGRAMS): { readonly file: string; readonly text: string; readonly hash: string } {
  const known = read.get(name);
  if (known !== undefined) return known;
  const file = join(bundleDirectory(name), BUNDLE_FILE);
  const text = readFileSync(file, "utf8");
  const made = { file, text, hash: createHash("sha256").update(text).digest("hex") };
  read.set(name, made);
  return made;
}

const read = new Map<string, ReturnType<typeof readBundle>>();

/** Written as a whole: several processes may make it at once. @returns the files that are in it. */
function bundle(file: string, outfile: string): readonly string[] {
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  const { outputFiles, metafile } = buildSync({
    ...BUNDLE,
    entryPoints: [file],
    absWorkingDir: PACKAGE_ROOT,
    metafile: true,
    write: false,
  });
  mkdirSync(dirname(outfile), { recursive: true });
  const half = `${outfile}.${process.pid}`;
  writeFileSync(half, outputFiles[0]?.contents ?? "");
  renameSync(half, outfile);
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
  );
}
