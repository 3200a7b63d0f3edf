import { existsSync, realpathSync } from "node:fs";
import { stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { PACKAGE_ROOT } from "../../constructs/package/root";

/** Where `.local/` and `out/` are: the root of the checkout, or the directory that PLATFORM_POSTGRES_DIRECTORY names. */
export const root = (): string => realPath(resolve(process.env.PLATFORM_POSTGRES_DIRECTORY ?? PACKAGE_ROOT));

/** One directory has one name here, by whatever links it is reached. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** A path below the current directory as people type it; any other as it is. */
export function typed(path: string): string {
  const below = relative(realPath(process.cwd()), path);
  return below.startsWith("..") || isAbsolute(below) ? path : below;
}

/** Directories of an environment on this machine. */
export function localDirectories(environment: string): { readonly private: string; readonly secrets: string; readonly output: string } {
  const own = join(root(), ".local", environment);
  return { private: own, secrets: join(own, "secrets"), output: join(root(), "out", environment) };
}

/** A path of the spec: absolute, or from the root. */
export const fromRoot = (path: string): string => (isAbsolute(path) ? path : join(root(), path));

/** What another user made, root above all, would be half theirs and half ours. */
export async function refuseOthers(directory: string): Promise<void> {
  const owner = await stat(directory).then(
    ({ uid }) => uid,
    () => null,
  );
  if (owner === null || owner === process.getuid?.()) return;
  throw new UserError(
    `${directory} was made by another user (${owner}); run this as that user, or name another directory in PLATFORM_POSTGRES_DIRECTORY`,
  );
}

/** Before anything is made: `platform.env` names the CA's path, and neither a shell nor Docker could carry a blank in it. */
export function refuseBlanks(): void {
  if (/\s/.test(root()))
    throw new UserError(
      `the path ${root()} has a blank, which platform.env cannot carry; move the checkout, or name another directory in PLATFORM_POSTGRES_DIRECTORY`,
    );
}
