import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { node22, pulumiSdk, run } from "../tools";

const ROOT = resolve(__dirname, "..", "..", "..");
const MODULES = join(ROOT, "node_modules");
/** Of the checkout, what is not copied: linked, or left out. */
const LINKED = [".local", ".build"];
const LEFT_OUT = ["node_modules", ".git", "dist", "out", ...LINKED];
const TESTS = ["test/gcp", "test/infra/gcp.test.ts", "test/infra/both-clouds.test.ts"];
/** What there is once in a program: Pulumi's packages, and what their messages are made with. */
const OTHERS = ["@pulumi", "google-protobuf"];

/**
 * Runs the tests of Google Cloud in a copy of the checkout that has another `@pulumi/pulumi`, on Node.js 22 or newer.
 *
 * @returns what was run, in words. @throws Error with the output of tests that fail.
 */
export function runWithNewestSdk(): string {
  const node = node22();
  const sdk = pulumiSdk();
  const copy = mkdtempSync(join(tmpdir(), "platform-postgres-newest-"));
  try {
    for (const path of readdirSync(ROOT).filter((each) => !LEFT_OUT.includes(each)))
      cpSync(join(ROOT, path), join(copy, path), { recursive: true });
    for (const path of LINKED) symlinkSync(join(ROOT, path), join(copy, path));
    mkdirSync(join(copy, "node_modules"));
    for (const name of readdirSync(MODULES))
      symlinkSync(join(OTHERS.includes(name) ? sdk.modules : MODULES, name), join(copy, "node_modules", name));
    const variables = ["CI=1", "NO_COLOR=1", `PATH=${[dirname(node.path), process.env.PATH].join(delimiter)}`];
    const vitest = join(copy, "node_modules", "vitest", "vitest.mjs");
    const command = ["env", ...variables, node.path, vitest, "run", ...TESTS];
    const { code, output } = run("sh", ["-c", 'cd "$0" && exec "$@"', copy, ...command]);
    if (code !== 0) throw new Error(output.slice(-5_000));
    const [tests = ""] = /Tests .*/.exec(output) ?? [];
    return `${tests.replace(/\s+/g, " ")}, with @pulumi/pulumi ${sdk.version} on Node.js ${node.version}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
