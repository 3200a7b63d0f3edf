import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, parse } from "node:path";
import { UserError } from "../model/errors";

/** The numeric user and group that the server runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** The user that owns nothing on any Unix. */
const UNPRIVILEGED = "nobody";

/** PostgreSQL does not run as root: returns the unprivileged account for root, and null for everyone else. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  const ask = (flag: string) => Number(execFileSync("id", [flag, UNPRIVILEGED], { encoding: "utf8" }));
  try {
    return { uid: ask("-u"), gid: ask("-g") };
  } catch {
    throw new UserError(
      `PostgreSQL refuses to run as root, and there is no user ${UNPRIVILEGED} to run it as; run this as an ordinary user`,
    );
  }
}

/** Whether the account can access a directory and all its parents. */
export function canReach({ uid, gid }: Account, directory: string): boolean {
  const { mode, uid: owner, gid: group } = statSync(directory);
  const execute = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
  const passes = (mode & execute) !== 0;
  return passes && (directory === parse(directory).root || canReach({ uid, gid }, dirname(directory)));
}
