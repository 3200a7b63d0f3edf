import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundleDirectory } from "../../../constructs/package/bundle";
import type { NamedSpec } from "../../../infra/spec";
import { COMMANDS } from "../../fixtures/commands";

const CHECKOUT = resolve(__dirname, "..", "..", "..");

/** The checkout's environments are its user's, so no test runs on them. */
const USERS = join(CHECKOUT, "infra", "environments");
const FIXTURES = join(CHECKOUT, "test", "fixtures", "environments");

/** A program of Node, as a person without colours sees it. */
export function runProgram(cwd: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}, input?: string) {
  const env = { ...process.env, NO_COLOR: "1", ...variables };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env, input });
  return { status, stdout, stderr };
}

/** Below what the run removes at its end. */
function parent(): string {
  const { TEST_SERVERS } = process.env;
  if (TEST_SERVERS !== undefined) mkdirSync(TEST_SERVERS, { recursive: true, mode: 0o755 });
  return TEST_SERVERS ?? tmpdir();
}

/** A copy of the project, in which commands, `pulumi` and `cdk` run on other environments than the checkout's. */
export class ProjectCopy {
  readonly directory = realpathSync(mkdtempSync(join(parent(), "platform-postgres-project-")));

  /** @param environments the folder of its environments. */
  constructor(environments = FIXTURES) {
    // Bundled in the checkout, where they may be up to date, and not in each copy. Copied last, well after their sources: they
    // have to be newer.
    bundleDirectory("job");
    bundleDirectory("functions");
    for (const path of ["constructs", "infra", "Pulumi.yaml", "cdk.json", "package.json", "tsconfig.json", ".build/bundles"])
      cpSync(join(CHECKOUT, path), join(this.directory, path), { recursive: true, filter: (source) => source !== USERS });
    cpSync(environments, join(this.directory, "infra", "environments"), { recursive: true });
    const { TEST_PROJECT } = process.env;
    if (TEST_PROJECT !== undefined) cpSync(join(TEST_PROJECT, COMMANDS), join(this.directory, COMMANDS), { recursive: true });
    symlinkSync(join(CHECKOUT, "node_modules"), join(this.directory, "node_modules"));
  }

  /** Runs a command, or `app`, in the one file that the global setup has made of it. */
  run(command: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}, input?: string) {
    return runProgram(this.directory, [join(COMMANDS, `${command}.js`), ...args], variables, input);
  }

  write(spec: NamedSpec): void {
    writeFileSync(join(this.directory, "infra", "environments", `${spec.name}.ts`), `export default ${JSON.stringify(spec)};\n`);
  }

  /** Lets `pulumi` run the program in the one file that the global setup has made of it: it loads in two thirds of the time. */
  useBundle(): void {
    const file = join(this.directory, "Pulumi.yaml");
    const text = readFileSync(file, "utf8").replace("infra/gcp/index.ts", `${COMMANDS}/index.js`).replace(" --import tsx", "");
    writeFileSync(file, text);
  }

  /** Writes ids in the place of examples, as a user does. */
  fillIn(environment: string): void {
    const file = join(this.directory, "infra", "environments", `${environment}.ts`);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/\{ example: ("[^"]+") \}/g, "$1"));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
