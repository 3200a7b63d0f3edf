import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InstalledPackage } from "../fixtures/installed";

const ROOT = resolve(__dirname, "..", "..");
const installed = new InstalledPackage();
afterAll(() => installed.remove());

describe("platform-postgres", () => {
  const names = ["init", "start", "doctor", "status", "plan", "snapshot", "render", "provision", "rotate", "sql"];
  const at = (folder: string, ...args: readonly string[]) => installed.run(join(installed.folder, folder), ...args);
  installed.init("completed", "--cloud=aws,gcp");

  it("lists all commands in its help, within a project and without one", () => {
    for (const folder of ["completed", "nothing"])
      for (const args of [["--help"], []]) {
        const { status, stdout } = at(folder, ...args);
        expect(status).toBe(0);
        for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
      }
  });

  it.each(["init", "start", "plan"])("%s --help has examples that can be pasted in a project", (name) => {
    const { status, stdout } = at("completed", name, "--help");
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^Usage: npx platform-postgres ${name} [^]*\nExamples:\n(  # .*\n  npx platform-postgres ${name}( .*)?\n)+$`),
      ),
    ]);
  });

  it("knows its version, and suggests a command for one that it does not know", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
    expect(at("nothing", "--version")).toMatchObject({ status: 0, stdout: `${version}\n` });
    const { status, stderr } = at("completed", "pln");
    expect([status, stderr]).toEqual([1, "error: unknown command 'pln'\n(Did you mean plan?)\n"]);
  });

  it("refuses to work outside of a project", () => {
    expect(at("nothing", "plan", "--cloud=aws")).toMatchObject({ status: 1, stderr: expect.stringMatching(/^✖ .*is not in a project: /) });
  });

  it("completes commands, options, and environments by their names", () => {
    const complete = (...words: readonly string[]) =>
      at("completed", "complete", "--", ...words)
        .stdout.split("\n")
        .map((line) => line.split("\t")[0]);
    expect(complete("")).toEqual(expect.arrayContaining(names));
    expect(complete("plan", "--")).toEqual(expect.arrayContaining(["--environment", "--cloud"]));
    for (const command of ["plan", "start", "doctor"])
      expect(complete(command, "--environment", "")).toEqual(expect.arrayContaining(["local", "production-aws", "production-gcp"]));
    expect(complete("plan", "--cloud", "")).toEqual(expect.arrayContaining(["aws", "gcp"]));
  });

  it.each(["bash", "zsh", "fish"])("prints a completion for %s, which that shell can read", (shell) => {
    const { status, stdout } = at("completed", "complete", shell);
    expect([status, stdout]).toEqual([0, expect.stringContaining("platform-postgres")]);
    // Where the shell is.
    const { error, status: read, stderr } = spawnSync(shell, ["-n"], { input: stdout, encoding: "utf8" });
    if (error === undefined) expect([read, stderr]).toEqual([0, ""]);
  });
});
