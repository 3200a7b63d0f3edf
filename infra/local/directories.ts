import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { root } from "../command-line";

/** Directories of an environment on this machine. */
export function localDirectories(environment: string): { readonly private: string; readonly secrets: string; readonly output: string } {
  const own = join(root(), ".local", environment);
  return { private: own, secrets: join(own, "secrets"), output: join(root(), "out", environment) };
}

/** @throws UserError if another user, such as root, owns the directory: files of two owners would mix. */
export async function refuseOthers(directory: string): Promise<void> {
  const owner = await stat(directory).then(
    ({ uid }) => uid,
    () => null,
  );
  if (owner === null || owner === process.getuid?.()) return;
  throw new UserError(
    `${directory} belongs to another user (${owner}); run this as that user, or set PLATFORM_POSTGRES_DIRECTORY to another directory`,
  );
}

/** Checks the path before anything is created: `platform.env` contains it, and neither a shell nor Docker supports a space there. */
export function refuseBlanks(): void {
  if (/\s/.test(root()))
    throw new UserError(
      `the path ${root()} contains a space, which platform.env does not support; set PLATFORM_POSTGRES_DIRECTORY to another directory, or move the project`,
    );
}
