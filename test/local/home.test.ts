import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { serverAccount } from "../../constructs/local/account";
import { serverHome } from "../../constructs/local/home";
import { temporary } from "../fixtures/cli";

/** As root's home is: of mode 0700. */
const closed = mkdtempSync(join(temporary(), "closed-"));
const made: string[] = [];

describe("serverHome", () => {
  afterAll(() => {
    for (const directory of [closed, ...made]) rmSync(directory, { recursive: true, force: true });
  });

  it("is the directory itself, unless the account of the server cannot get there", async () => {
    const wanted = join(closed, ".local");
    const home = await serverHome(wanted);
    made.push(home);
    if (serverAccount() === null) expect(home).toBe(wanted);
    else expect(home).toMatch(/^\/var\/lib\/platform-postgres\/[0-9a-f]{16}$/);
    expect(await serverHome(wanted)).toBe(home);
  });
});
