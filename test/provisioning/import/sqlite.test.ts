import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { openSqlite } from "../../../constructs/provisioning/import/sqlite";
import { writeSqlite } from "../../fixtures/sqlite";

let directory: string;
let path: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "platform-postgres-test-sqlite-"));
  path = join(directory, "real.db");
  writeSqlite(path, "create table alembic_version (other text)");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

it("leaves no file behind, and the source as it was", async () => {
  const bytes = readFileSync(path);
  const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`platform-postgres-import-${process.pid}-`));
  const before = temporary();
  const source = await openSqlite(path, null);
  const opened = temporary().filter((name) => !before.includes(name));
  // While it is read, its copy has no name: even the end of the process leaves none.
  expect(opened.flatMap((name) => readdirSync(join(tmpdir(), name)))).toEqual([]);
  await source.close();
  expect(temporary().filter((name) => opened.includes(name))).toEqual([]);
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(readdirSync(directory).filter((name) => name.startsWith(path.slice(directory.length + 1)) && !path.endsWith(name))).toEqual([]);
});

it("sees changes beside the file that a link names", async () => {
  const link = join(directory, "link.db");
  symlinkSync(path, link);
  writeFileSync(`${path}-wal`, "changes");
  await expect(openSqlite(link, null)).rejects.toThrow("real.db-wal holds changes that are not in real.db");
  rmSync(`${path}-wal`);
  const source = await openSqlite(link, null);
  writeFileSync(`${path}-wal`, "changes");
  expect(await source.hasChanged([])).toBe(true);
  rmSync(`${path}-wal`);
  await source.close();
});

it("says where it cannot make its copy", async () => {
  vi.stubEnv("TMPDIR", join(directory, "none"));
  await expect(openSqlite(path, null)).rejects.toThrow(/^no directory can be created in .*none \(ENOENT\); name another one in TMPDIR$/);
});

it("says that a table of revisions is not that of the platform", async () => {
  const source = await openSqlite(path, null);
  const revision = { database: "it", table: "alembic_version", newest: "max(version_num)", expected: null };
  await expect(source.revision(revision)).rejects.toThrow("real.db cannot be read (no such column: version_num)");
  await source.close();
});
