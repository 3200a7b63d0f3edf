import { existsSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "./root";

/** Settings of every bundle: one file of CommonJS for the Node of Lambda and of the Job's image. */
const BUNDLE = { bundle: true, platform: "node", target: "node22", minify: true, legalComments: "none", logLevel: "error" } as const;

/**
 * Folder with a program as one file, `<name>.js`, without anything it needs beside it.
 *
 * In a checkout it is made anew from the source, so that it is never older; the published package has it made.
 *
 * @param source path of the program below `constructs`, without its ending.
 */
export function bundleDirectory(source: string, name: string): string {
  const file = join(PACKAGE_ROOT, "constructs", `${source}.ts`);
  const directory = join(PACKAGE_ROOT, existsSync(file) ? ".build" : "dist", "bundles", name);
  if (existsSync(file)) bundle(file, join(directory, `${name}.js`));
  return directory;
}

const made = new Set<string>();

/** Once in each process. */
function bundle(file: string, outfile: string): void {
  if (made.has(outfile)) return;
  made.add(outfile);
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  buildSync({ ...BUNDLE, entryPoints: [file], outfile, absWorkingDir: PACKAGE_ROOT });
}
