import { Command, CommanderError } from "commander";
import pc from "picocolors";
import { local } from "../../constructs/local/target";
import { UserError } from "../../constructs/model/errors";
import { loadEnvironment, type ProjectEnvironment } from "../load";
import { createProgress, type Progress } from "./progress";

/** A command line whose options every command of this folder has. */
export function createCommand(name: string, description: string): Command {
  return new Command(`npm run ${name} --`.replace("npm run start", "npm start"))
    .description(description)
    .option("-e, --environment <name>", "a file of infra/environments", "local")
    .allowExcessArguments(false)
    .exitOverride();
}

/** Everything that a command starts from. */
export interface Invocation<O> {
  readonly environment: ProjectEnvironment;
  readonly progress: Progress;
  readonly options: O;
  readonly args: readonly string[];
}

/** Runs a command: a mistake of the user's ends in its message and exit code 1, without a stack trace. */
export async function main<O>(command: Command, run: (invocation: Invocation<O>) => Promise<number>): Promise<void> {
  const progress = createProgress();
  // The server's account has to reach its programs and data; what is secret has a mode of its own.
  process.umask(0o022);
  try {
    command.parse();
    const options = command.opts<O & { environment: string }>();
    const environment = loadEnvironment(options.environment, local);
    process.exitCode = await run({ environment, progress, options, args: command.args });
  } catch (error) {
    progress.stop();
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // The parser has printed its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof UserError) process.stderr.write(`${pc.red("✖")} ${error.message}\n`);
  else
    process.stderr.write(
      `${pc.red("✖")} this is a defect of platform-postgres, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
  return 1;
}
