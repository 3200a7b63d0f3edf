import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isObject } from "../constructs/model/json";
import { environmentsOn } from "./load";
import { project } from "./project";
import { type StackSnapshot, toReadable } from "./snapshot";
import { CLOUDS } from "./spec";

/** One folder for each environment and cloud, with one file for each stack. Below the root of the project. */
export const snapshotsFolder = (): string => join(project().environments, "snapshots");
const root = (): string => join(project().root, snapshotsFolder());
const ENDING = ".json";

/** An environment on a cloud. */
export interface Subject {
  readonly environment: string;
  readonly cloud: (typeof CLOUDS)[number];
}

/**
 * Name of the folder of an environment on a cloud: `production-aws` for `production`, and for `production-aws` if there is no `production`
 * on that cloud.
 */
export function folderOf(subject: Subject): string {
  const { environment, cloud } = subject;
  const ending = `-${cloud}`;
  const isShort = environment.endsWith(ending) && !environmentsOn(cloud).includes(environment.slice(0, -ending.length));
  return isShort ? environment : longFolderOf(subject);
}

/** The folder's name with the cloud, even if the environment's name ends with it: earlier versions always used it. */
const longFolderOf = ({ environment, cloud }: Subject): string => `${environment}-${cloud}`;

/**
 * Committed snapshots by `<folder>/<stack>`; null for a file that is not a valid snapshot.
 *
 * @param only limits them to an environment or a cloud.
 */
export function readSnapshots(only: Partial<Subject>): Readonly<Record<string, StackSnapshot | null>> {
  const folders = existsSync(root()) ? readdirSync(root()).filter((folder) => isOf(folder, only)) : [];
  const stacks = folders.flatMap((folder) =>
    readdirSync(join(root(), folder))
      .filter((file) => file.endsWith(ENDING))
      .map((file) => `${folder}/${file.slice(0, -ENDING.length)}`),
  );
  return Object.fromEntries(stacks.map((stack) => [stack, readStack(stack)]));
}

function isOf(folder: string, { environment, cloud }: Partial<Subject>): boolean {
  const its = CLOUDS.find((each) => folder.endsWith(`-${each}`));
  if (its === undefined || (cloud ?? its) !== its) return false;
  if (environment === undefined) return true;
  const subject = { environment, cloud: its };
  return [folderOf(subject), longFolderOf(subject)].includes(folder);
}

const fileOf = (stack: string): string => join(root(), `${stack}${ENDING}`);

function readStack(stack: string): StackSnapshot | null {
  try {
    const content: unknown = JSON.parse(readFileSync(fileOf(stack), "utf8"));
    return isObject(content) ? (toReadable(content) as StackSnapshot) : null;
  } catch {
    return null;
  }
}

export function writeStack(stack: string, content: StackSnapshot): void {
  mkdirSync(dirname(fileOf(stack)), { recursive: true });
  writeFileSync(fileOf(stack), `${JSON.stringify(content, null, 2)}\n`);
}

/** Removes a stack's file, and the folder if it is empty. */
export function removeStack(stack: string): void {
  rmSync(fileOf(stack));
  const folder = dirname(fileOf(stack));
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}
