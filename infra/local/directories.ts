import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { root } from "../command-line";

/** Directories of an environment on this machine. */
export function localDirectories(environment: string): { readonly private: string; readonly secrets: string; readonly output: string } {
  const own = join(root(), ".local", environment);
  return { private: own, secrets: join(own, "secrets"), output: join(root(), "out", environment) };
}

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
      `the path ${root()} has a blank, which platform.env cannot carry; name another directory in PLATFORM_POSTGRES_DIRECTORY, or move the project`,
    );
}
