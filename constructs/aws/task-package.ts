import { createHash } from "node:crypto";
import { constants, copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Stage } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { BUNDLE_FILE, readBundle } from "../package/bundle";
import { type RotationTask, TASK_FILE } from "./task";

/** Writes the program and its task to a directory in the app's output directory. Returns it with a hash of both. */
export function packageWith(scope: IConstruct, task: RotationTask): { readonly directory: string; readonly hash: string } {
  const app = Stage.of(scope);
  if (app === undefined) throw new TypeError("there is no app");
  const program = readBundle("functions");
  const content = JSON.stringify(task);
  const hash = createHash("sha256").update(program.hash).update(content).digest("hex");
  const directory = join(app.outdir, `package-${hash}`);
  const last = join(directory, TASK_FILE);
  if (!existsSync(last)) {
    mkdirSync(directory, { recursive: true });
    copyFileSync(program.file, join(directory, BUNDLE_FILE), constants.COPYFILE_FICLONE);
    writeFileSync(`${last}.half`, content);
    renameSync(`${last}.half`, last);
  }
  return { directory, hash };
}
