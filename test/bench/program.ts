import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import production from "../fixtures/environments/production";
import { resolveGcp } from "../fixtures/gcp";
import { registerEnvironment } from "../fixtures/registrations";
import { run } from "../gcp/engine/double";
import { DoubleEngine } from "../gcp/engine/double-engine";
import { ProjectCopy } from "../gcp/engine/project";
import { compare, type Row } from "./measure";

/** `production` as Pulumi's runner runs it in a preview, against a program that registers the same resources without thinking. */
export async function benchProgram(): Promise<readonly Row[]> {
  const project = new ProjectCopy();
  try {
    project.fillIn("production");
    const { resources } = await registerEnvironment(resolveGcp(production));
    // The stack is the runner's own, and providers are made when they are first used.
    const own = resources.filter(({ type }) => !type.startsWith("pulumi:"));
    const bare = join(project.directory, "bare");
    mkdirSync(bare);
    copyFileSync(join(__dirname, "bare-program.ts"), join(bare, "index.ts"));
    writeFileSync(join(bare, "registered.json"), JSON.stringify(own));
    const settings = join(project.directory, "Pulumi.yaml");
    const text = readFileSync(settings, "utf8");
    const stack = new DoubleEngine(project).stack({}, "production");
    const preview = async (main: string) => {
      writeFileSync(settings, text.replace("infra/gcp/index.ts", main));
      const { code, operations, shown } = await run(stack, "preview");
      if (code !== 0 || operations.length < own.length) throw new Error(shown);
    };
    const [ours, theirs] = await compare(
      9,
      () => preview("infra/gcp/index.ts"),
      () => preview("bare/index.ts"),
    );
    const what = `Pulumi program, production (${own.length} resources)`;
    return [{ what, ours, baseline: "bare program, the same resources", theirs, atMost: 1.15 }];
  } finally {
    project.remove();
  }
}
