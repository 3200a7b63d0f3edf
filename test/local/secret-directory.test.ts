import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { explainFile } from "../../constructs/local/files";
import { SecretDirectory } from "../../constructs/local/secret-directory";
import { temporary } from "../fixtures/cli";

const parent = temporary();
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe("SecretDirectory", () => {
  it("keeps the two newest versions", async () => {
    const store = new SecretDirectory(join(parent, "versions"));
    expect(await store.read("s")).toBeNull();
    await store.write("s", { username: "a", password: "1" });
    expect(await store.read("s")).toMatchObject({ current: { username: "a", password: "1" }, previous: null });
    await store.write("s", { username: "b", password: "2" });
    await store.write("s", { username: "a", password: "3" });
    expect(await store.read("s")).toMatchObject({ current: { username: "a", password: "3" }, previous: { username: "b", password: "2" } });
  });

  it("knows since when the current version is in use, but not of a file without that moment", async () => {
    const directory = join(parent, "since");
    const store = new SecretDirectory(directory);
    const before = Date.now();
    await store.write("s", { username: "a", password: "1" });
    const first = (await store.read("s"))?.since?.getTime() ?? 0;
    expect(first).toBeGreaterThanOrEqual(before);
    expect(first).toBeLessThanOrEqual(Date.now());
    const path = join(directory, "s.json");
    const { since: _since, ...earlier } = JSON.parse(readFileSync(path, "utf8"));
    for (const content of [earlier, { ...earlier, since: "yesterday" }, { ...earlier, since: 1 }]) {
      writeFileSync(path, JSON.stringify(content));
      expect(await store.read("s")).toEqual({ current: { username: "a", password: "1" }, previous: null });
    }
    writeFileSync(path, JSON.stringify({ ...earlier, since: "2026-11-28T10:00:00.000Z" }));
    expect((await store.read("s"))?.since).toEqual(new Date("2026-11-28T10:00:00Z"));
  });

  it("is a directory of mode 0700 with files of mode 0600, also where it was more open", async () => {
    const directory = join(parent, "modes");
    const store = new SecretDirectory(directory);
    await store.write("s", { username: "a", password: "1" });
    chmodSync(directory, 0o755);
    await store.write("s", { username: "a", password: "2" });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, "s.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["s.json"]);
  });

  it.each([
    "",
    "{",
    "[]",
    '{"current":{"username":"a"}}',
    '{"current":{"username":"a","password":"Canary"},"previous":{"password":"Canary"}}',
    '{"x":"Canary',
  ])("says that %j is damaged, without showing it", async (content) => {
    const directory = join(parent, "damaged");
    const store = new SecretDirectory(directory);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "s.json"), content);
    await expect(store.read("s")).rejects.toThrow(
      `${join(directory, "s.json")} is not JSON with username and password; restore it, or delete it to get new passwords`,
    );
  });
});

describe("explainFile", () => {
  it.each([
    ["EROFS", "/x is on a read-only disk; name a writable directory in PLATFORM_POSTGRES_DIRECTORY"],
    [
      "ENOENT",
      "/x cannot be created, because its disk is read-only or its parent directory is gone; name another directory in PLATFORM_POSTGRES_DIRECTORY",
    ],
    ["ENOSPC", "the disk of /x is full; free some space, and run this again"],
    ["EACCES", "/x cannot be read or written by this user; make this user its owner, or run as its owner"],
  ])("turns %s into a sentence", (code, sentence) => {
    expect((explainFile(Object.assign(new Error("raw"), { code }), "/x") as Error).message).toBe(sentence);
  });

  it("leaves other errors as they are", () => {
    const error = Object.assign(new Error("raw"), { code: "EMFILE" });
    expect(explainFile(error, "/x")).toBe(error);
  });
});
