import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { bundleDirectory } from "../../../constructs/package/bundle";
import type { NamedSpec } from "../../../infra/spec";

const CHECKOUT = resolve(__dirname, "..", "..", "..");

/** A copy of what `pulumi` and `cdk` run, as a user has it after a clone, with environments of its own. */
export class ProjectCopy {
  readonly directory = mkdtempSync(
    join(process.env.TEST_SERVERS === undefined ? tmpdir() : resolve(process.env.TEST_SERVERS, ".."), "platform-postgres-project-"),
  );

  constructor() {
    // Made here, where it may be there already, and not in each copy.
    bundleDirectory("job");
    for (const path of ["Pulumi.yaml", "cdk.json", "package.json", "tsconfig.json", "infra", "constructs", ".build/bundles"]) {
      mkdirSync(resolve(this.directory, path, ".."), { recursive: true });
      // With their times: bundles are made when a source is newer.
      cpSync(join(CHECKOUT, path), join(this.directory, path), { recursive: true, preserveTimestamps: true });
    }
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
