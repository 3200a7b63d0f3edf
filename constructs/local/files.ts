import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../model/errors";

/** Writes a file completely or not at all, even in a power failure: a new file, synced, renamed over the old one. */
export async function writeAtomically(path: string, content: string, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const directory = await open(dirname(path), "r");
    await directory.sync().finally(() => directory.close());
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explainFile(error, path);
  }
}

/** Returns the content of a file, or null if there is none. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw explainFile(error, path);
  }
}

const SENTENCES: Readonly<Record<string, (path: string) => string>> = {
  EACCES: (path) => `${path} cannot be read or written by this user; make this user its owner, or run as its owner`,
  EPERM: (path) => `${path} cannot be changed by this user; make this user its owner, or run as its owner`,
  EROFS: (path) => `${path} is on a read-only disk; name a writable directory in PLATFORM_POSTGRES_DIRECTORY`,
  // Node's error for a directory on a read-only disk.
  ENOENT: (path) =>
    `${path} cannot be created, because its disk is read-only or its parent directory is gone; name another directory in PLATFORM_POSTGRES_DIRECTORY`,
  EISDIR: (path) => `${path} is a directory; name a file`,
  ENOTDIR: (path) => `${path} cannot exist, because a part of its path is a file; name another path`,
  ENOSPC: (path) => `the disk of ${path} is full; free some space, and run this again`,
  EDQUOT: (path) => `the disk quota of ${path} is used up; free some space, and run this again`,
};

/** Returns a file system error as one sentence. */
export function explainFile(error: unknown, path: string): unknown {
  const sentence = SENTENCES[(error as NodeJS.ErrnoException).code ?? ""];
  return sentence === undefined ? error : new UserError(sentence(path));
}
