import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SCRIPTS } from "../../infra/docs/script";
import { run, temporary } from "../fixtures/cli";
import { NAMES } from "../fixtures/commands";

const ROOT = resolve(__dirname, "..", "..");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly scripts: Readonly<Record<string, string>> };
/** The file that a script runs. */
const fileOf = (name: string): string => scripts[name]?.split(" ").find((word) => word.endsWith(".ts")) ?? "";
const runScript = (name: string, option: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", "tsx/cjs", fileOf(name), option], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return [status, `${stdout}${stderr}`];
};
/** They parse their command lines themselves. */
const MAINTAINERS = ["charts", "platform"];

describe("--help", () => {
  let directory: string;
  beforeAll(() => {
    directory = temporary();
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(NAMES)("of %s has examples, and does nothing else", async (name) => {
    const { code, output } = await run(directory, name, ["--help"]);
    const line = name === "start" ? "npm start" : `npm run ${name}`;
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^Usage: ${line} -- [^]*\n\nExamples:\n(  # .*\n  ${line}( -- .*)?\n)+$`)),
    ]);
  });

  it("is known of every script of package.json that runs a file of ours", () => {
    const ours = Object.keys(scripts).filter((name) => fileOf(name) !== "" && name !== "build");
    expect(ours.sort()).toEqual([...NAMES, ...MAINTAINERS, ...Object.keys(SCRIPTS)].sort());
  });

  it.each(Object.keys(SCRIPTS))("of %s comes before anything that it loads", (name) => {
    expect(readFileSync(join(ROOT, fileOf(name)), "utf8")).toMatch(/^import "(\.\.\/)*(\.\/|infra\/docs\/)script";\n/);
  });

  it.each(["docs", "bench", "proof:overlay"])("of %s says what it takes, and does nothing else", (name) => {
    expect(runScript(name, "--help")).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^Usage: npm run ${name} -- [^]*\nTakes: .*\nNeeds: .*\n\nExamples:\n(  # .*\n  npm run ${name}( -- .*)?\n)+$`),
      ),
    ]);
  });

  it("is not needed to report an unknown option", () => {
    expect(runScript("rules", "--stale")).toEqual([1, "error: unknown option '--stale'\n"]);
  });
});
