import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT } from "./root";

/** Settings of every bundle: one file of CommonJS for the Node of Lambda and of the Job's image. */
const BUNDLE = { bundle: true, platform: "node", target: "node22", minify: true, legalComments: "none", logLevel: "error" } as const;

/** File name of every bundle, each in a separate directory. */
export const BUNDLE_FILE = "program.js";

const SOURCES = join(PACKAGE_ROOT, "constructs");
/** Where the published package has its bundles. */
const PUBLISHED = join(PACKAGE_ROOT, "dist", "bundles");

/** Programs that run elsewhere, in an AWS Lambda function and in a Kubernetes Job: their sources below `constructs`, by name. */
export const PROGRAMS = { functions: "aws/functions/program.ts", job: "gcp/job/program.ts" } as const;

/**
 * Returns a directory with a program as one self-contained file, `program.js`.
 *
 * In a checkout, it is built when a source is newer; the published package contains it, and no sources.
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
 * Builds the published bundles.
 *
 * @returns the files of other packages that are in them, relative to the root.
 */
export function publishBundles(): readonly string[] {
  const files = Object.entries(PROGRAMS).flatMap(([name, source]) => bundle(join(SOURCES, source), join(PUBLISHED, name, BUNDLE_FILE)));
  return files.filter((file) => file.includes("node_modules/"));
}

/** Milliseconds since 1970; 0 if the file does not exist. */
const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Sources of the programs, which contain neither platforms nor a local server. */
const MADE_OF = ["aws", "gcp", "model", "package", "provisioning"].map((folder) => join(SOURCES, folder));

/** Folders change when a file in them is deleted; the lock file changes with dependencies. */
function newestSource(): number {
  const entries = MADE_OF.flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }));
  const paths = [...MADE_OF, join(PACKAGE_ROOT, "package-lock.json"), ...entries.map((entry) => join(entry.parentPath, entry.name))];
  return Math.max(...paths.map(changedAt));
}

/** Returns a program's text, with a hash of it. Read once per process. */
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

/** Written atomically: several processes may build it at the same time. @returns the files in it. */
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
