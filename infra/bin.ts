#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { UserError } from "../constructs/model/errors";
import { PACKAGE_ROOT } from "../constructs/package/root";
import type { Program } from "./command";
import { environmentNames } from "./load";
import { PACKAGE } from "./project";

/** The commands of `platform-postgres`: the files of `commands/`, each loaded on demand. */
const COMMANDS: Readonly<Record<string, () => { readonly program: Program }>> = {
  init: (): typeof import("./commands/init") => require("./commands/init"),
  start: (): typeof import("./commands/start") => require("./commands/start"),
  doctor: (): typeof import("./commands/doctor") => require("./commands/doctor"),
  status: (): typeof import("./commands/status") => require("./commands/status"),
  plan: (): typeof import("./commands/plan") => require("./commands/plan"),
  snapshot: (): typeof import("./commands/snapshot") => require("./commands/snapshot"),
  render: (): typeof import("./commands/render") => require("./commands/render"),
  provision: (): typeof import("./commands/provision") => require("./commands/provision"),
  rotate: (): typeof import("./commands/rotate") => require("./commands/rotate"),
  import: (): typeof import("./commands/import") => require("./commands/import"),
  sql: (): typeof import("./commands/sql") => require("./commands/sql"),
};

/** All commands as one program, for its help and for completion. */
async function createTree(): Promise<Command> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as { readonly version: string };
  const tree = new Command(PACKAGE)
    .description("Managed PostgreSQL for ML platforms: RDS, Cloud SQL or this machine. Each command has a --help with examples.")
    .version(version)
    .exitOverride();
  const names = namesOfEnvironments();
  for (const [name, load] of Object.entries(COMMANDS)) {
    const { command } = load().program;
    const option = command.options.find(({ long }) => long === "--environment");
    if (names.length > 0) option?.choices(names);
    tree.addCommand(command.name(name));
  }
  const { default: tab } = await import("@bomb.sh/tab/commander");
  tab(tree);
  return tree;
}

/** Returns the environments' names; none outside of a project, where help and completion work, too. */
function namesOfEnvironments(): readonly string[] {
  try {
    return environmentNames();
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

async function main([name = "--help", ...args]: readonly string[]): Promise<void> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) {
    // A command reads its arguments where it reads them as a script of package.json.
    process.argv = [process.execPath, name, ...args];
    return load().program.run();
  }
  try {
    await (await createTree()).parseAsync([name, ...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode;
  }
}

void main(process.argv.slice(2));
