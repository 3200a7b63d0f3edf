import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { IS_CHECKOUT, PACKAGE_ROOT } from "../../constructs/package/root";
import { keepPackage } from "./write";

/** How a project's manifest names this package: by its version, or, from a checkout, by a file that is packed into the project. */
export function ownSource(directory: string): string {
  const { name, version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as Readonly<Record<string, string>>;
  return IS_CHECKOUT ? packInto(directory, `${name}-${version}.tgz`) : `^${version}`;
}

function packInto(directory: string, file: string): string {
  const temporary = mkdtempSync(join(tmpdir(), "platform-postgres-"));
  try {
    // Built separately: if npm ignores scripts, it would pack the files of an earlier build.
    npm("run", "build");
    npm("pack", "--pack-destination", temporary);
    return keepPackage(directory, join(temporary, file));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function npm(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: PACKAGE_ROOT, encoding: "utf8" });
  if (status !== 0) throw new UserError(`npm ${args[0]} ${args[1]} failed: ${(stderr || stdout).trim()}`);
}
