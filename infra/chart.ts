import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Wired } from "../constructs/model/wire";
import { chartDirectory } from "../constructs/package/root";
import type { OutputFile } from "./output";

/** The files of a platform's chart if it is part of this project, and of no repository. */
export async function readChart(name: string, { kind, wiring: { release } }: Wired): Promise<readonly OutputFile[]> {
  if (release.kind !== "helm" || release.repository !== null) return [];
  const directory = chartDirectory(kind);
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.map(async (file) => ({
      path: `${name}/chart/${relative(directory, file)}`,
      content: await readFile(file, "utf8"),
      secret: false,
    })),
  );
}
