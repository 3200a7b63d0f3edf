import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { type InlineProgramArgs, LocalWorkspace, type OpMap, type Stack } from "@pulumi/pulumi/automation";
import { formatViolation } from "../../../constructs/model/errors";
import { deploy } from "../../../infra/gcp/deploy";
import type { NamedSpec } from "../../../infra/spec";
import { resolveGcp } from "../../fixtures/gcp";
import { readProject } from "./double";
import type { Engine, Outcome } from "./scenarios";
import { inFiles, PACKAGES, World } from "./world";

const PROJECT_NAME = readProject(resolve(__dirname, "..", "..", "..")).project;
const PASSPHRASE = "a passphrase of a proof";

/**
 * Pulumi's own engine, with its state in a folder, and stand-in providers. The program runs in this process (Automation API): who runs it
 * by `Pulumi.yaml` needs Pulumi's language host beside the engine. It refreshes, as `Pulumi.yaml` asks for.
 */
export class RealEngine implements Engine {
  readonly world: World;
  private messages = "";
  private readonly directory = mkdtempSync(join(tmpdir(), "platform-postgres-engine-"));
  /** @param pulumi path of the program. */
  constructor(
    private readonly pulumi: string,
    private readonly stack: string,
  ) {
    this.world = new World(inFiles(join(this.directory, "world.json")));
    mkdirSync(join(this.directory, "state"));
    mkdirSync(join(this.directory, "bin"));
    for (const name of PACKAGES) this.installProvider(name);
  }

  said(): string {
    return this.messages;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  up(spec: NamedSpec, faults = {}): Promise<Outcome> {
    return this.run(spec, faults, async (stack, onOutput) => {
      const { summary, outputs } = await stack.up({ onOutput, onError: onOutput, refresh: true });
      const printed = Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
      return { changes: summary.resourceChanges ?? {}, outputs: printed };
    });
  }

  preview(spec: NamedSpec): Promise<Outcome> {
    return this.run(spec, {}, async (stack, onOutput) => {
      const { changeSummary } = await stack.preview({ onOutput, onError: onOutput, refresh: true });
      return { changes: changeSummary, outputs: {} };
    });
  }

  destroy(): Promise<Outcome> {
    return this.run(null, {}, async (stack, onOutput) => {
      const { summary } = await stack.destroy({ onOutput, onError: onOutput, refresh: true });
      return { changes: summary.resourceChanges ?? {}, outputs: {} };
    });
  }

  /** As it lies in the folder: what is exported is decrypted before. */
  state(): string {
    return readFileSync(join(this.directory, "state", ".pulumi", "stacks", PROJECT_NAME, `${this.stack}.json`), "utf8");
  }

  private async run(
    spec: NamedSpec | null,
    faults: Readonly<Record<string, string>>,
    work: (stack: Stack, onOutput: (text: string) => void) => Promise<{ readonly changes: OpMap; readonly outputs: Outcome["outputs"] }>,
  ): Promise<Outcome> {
    let shown = "";
    const onOutput = (text: string) => {
      shown += text;
      this.messages += text;
    };
    const stack = await this.open(spec, faults);
    try {
      const { changes, outputs } = await work(stack, onOutput);
      return { ok: true, changes: changes as Outcome["changes"], outputs, shown };
    } catch (error) {
      return { ok: false, changes: {}, outputs: {}, shown: `${shown}${(error as Error).message}` };
    }
  }

  private async open(spec: NamedSpec | null, faults: Readonly<Record<string, string>>): Promise<Stack> {
    const program = async () => {
      if (spec === null) return {};
      const environment = resolveGcp(spec);
      for (const warning of environment.warnings) process.stderr.write(`! ${formatViolation(warning)}\n`);
      return deploy(environment);
    };
    const args: InlineProgramArgs = { stackName: this.stack, projectName: PROJECT_NAME, program: program as InlineProgramArgs["program"] };
    const envVars = {
      PULUMI_BACKEND_URL: `file://${join(this.directory, "state")}`,
      PULUMI_HOME: join(this.directory, "home"),
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
      PATH: [join(this.directory, "bin"), resolve(this.pulumi, ".."), process.env.PATH].join(delimiter),
      WORLD: join(this.directory, "world.json"),
      FAULTS: JSON.stringify(faults),
    };
    Object.assign(process.env, envVars);
    return LocalWorkspace.createOrSelectStack(args, { envVars, secretsProvider: "passphrase" });
  }

  /** A program of the name that the engine looks for. */
  private installProvider(name: string): void {
    const { version } = require(`@pulumi/${name}/package.json`) as { readonly version: string };
    const file = join(this.directory, "bin", `pulumi-resource-${name}`);
    const loader = require.resolve("tsx/cjs");
    writeFileSync(
      file,
      `#!/bin/sh\nexec "${process.execPath}" --require "${loader}" "${join(__dirname, "provider.ts")}" ${name} ${version}\n`,
    );
    chmodSync(file, 0o755);
  }
}
