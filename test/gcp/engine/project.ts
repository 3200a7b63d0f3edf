import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { bundleDirectory } from "../../../constructs/package/bundle";
import type { NamedSpec } from "../../../infra/spec";

const CHECKOUT = resolve(__dirname, "..", "..", "..");

/** The checkout's environments are its user's, so no test runs on them. */
const USERS = join(CHECKOUT, "infra", "environments");
const FIXTURES = join(CHECKOUT, "test", "fixtures", "environments");

/** A copy of the project, in which commands, `pulumi` and `cdk` run on other environments than the checkout's. */
export class ProjectCopy {
  readonly directory = realpathSync(
    mkdtempSync(
      join(process.env.TEST_SERVERS === undefined ? tmpdir() : resolve(process.env.TEST_SERVERS, ".."), "platform-postgres-project-"),
    ),
  );

  /** @param environments the folder of its environments. */
  constructor(environments = FIXTURES) {
    // Bundled in the checkout, where they may be up to date, and not in each copy. Copied last, well after their sources: they
    // have to be newer.
    bundleDirectory("job");
    bundleDirectory("functions");
    for (const path of ["constructs", "infra", "Pulumi.yaml", "cdk.json", "package.json", "tsconfig.json", ".build/bundles"])
      cpSync(join(CHECKOUT, path), join(this.directory, path), { recursive: true, filter: (source) => source !== USERS });
    cpSync(environments, join(this.directory, "infra", "environments"), { recursive: true });
    symlinkSync(join(CHECKOUT, "node_modules"), join(this.directory, "node_modules"));
  }

  write(spec: NamedSpec): void {
    writeFileSync(join(this.directory, "infra", "environments", `${spec.name}.ts`), `export default ${JSON.stringify(spec)};\n`);
  }

  /**
   * Makes one file of the program, with the environments as they are now, and runs that from now on: it loads in two thirds of the time,
   * and is the same program.
   */
  bundle(): void {
    const program = join(this.directory, "infra", "gcp", "program.js");
    const entryPoints = [join(this.directory, "infra", "gcp", "index.ts")];
    buildSync({ entryPoints, outfile: program, bundle: true, platform: "node", packages: "external", target: "node20" });
    const file = join(this.directory, "Pulumi.yaml");
    const text = readFileSync(file, "utf8").replace("infra/gcp/index.ts", "infra/gcp/program.js").replace(" --import tsx", "");
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
