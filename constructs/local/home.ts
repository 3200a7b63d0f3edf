import { createHash } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canReach, serverAccount } from "./account";
import { explainFile } from "./files";

/** Where root keeps servers if the server's account cannot access the checkout. */
const SYSTEM_DIRECTORY = "/var/lib/platform-postgres";

/**
 * Returns the directory for the server's programs and data: `privateDirectory` itself, unless the server's account cannot access it (root's
 * home is closed to everyone else).
 */
export async function serverHome(privateDirectory: string): Promise<string> {
  const account = serverAccount();
  try {
    await mkdir(privateDirectory, { recursive: true });
    if (account === null) return privateDirectory;
    await chmod(privateDirectory, 0o755);
    if (canReach(account, privateDirectory)) return privateDirectory;
    const home = join(SYSTEM_DIRECTORY, createHash("sha256").update(privateDirectory).digest("hex").slice(0, 16));
    await mkdir(home, { recursive: true, mode: 0o755 });
    await chmod(dirname(home), 0o755);
    return home;
  } catch (error) {
    throw explainFile(error, privateDirectory);
  }
}
