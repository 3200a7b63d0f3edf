import { Command, CommanderError, Option } from "commander";
import pc from "picocolors";
import { local } from "../constructs/local/target";
import { UserError } from "../constructs/model/errors";
import type { Cloud } from "./cloud";
import { loadCloud, missingPackages } from "./clouds";
import { type About, commandName, isNpmScript, LOCAL_ENVIRONMENT } from "./command-line";
import { toExamples } from "./examples";
import { environmentNames, loadEnvironment, onlyEnvironmentOn, type ProjectEnvironment } from "./load";
import { handleSignals } from "./local/signals";
import { createProgress, type Progress } from "./progress";
import { CLOUDS } from "./spec";
import { refuseSwallowed } from "./swallowed";

/** The environment that a command works on if the user names none. */
const USUAL = `${LOCAL_ENVIRONMENT}; with --cloud, the only one that has the cloud's section`;

/** Creates a command line with the options that all commands have. */
export function createCommand(name: string, description: string, usual = USUAL): Command {
  return new Command(commandName(name))
    .description(description)
    .option("-e, --environment <name>", `an environment (default: ${usual})`)
    .allowExcessArguments(false)
    .exitOverride();
}

/** Words after a command's name, and what they do. */
type Example = readonly [words: string, what: string];

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** The examples of a command's help. */
export const examplesOf = (command: Command): readonly Example[] => EXAMPLES.get(command) ?? [];

/** Adds examples to the help. */
export function withExamples(command: Command, ...lines: readonly Example[]): Command {
  EXAMPLES.set(command, lines);
  const typed = (words: string) => (words === "" ? command.name().replace(/ --$/, "") : `${command.name()} ${words}`);
  return command.addHelpText("after", `\n${toExamples(lines.map(([words, what]) => [typed(words), what]))}`);
}

/** The options of a command that can work on a cloud. */
export interface CloudOptions {
  readonly cloud?: string;
  readonly outputs?: string;
  readonly via?: readonly string[];
}

/** Adds `--cloud`, and `--outputs` for a deployment's addresses. */
export function withCloudOptions(command: Command): Command {
  return command
    .addOption(new Option("-c, --cloud <name>", "the cloud of the deployment").choices(CLOUDS))
    .option("--outputs <file>", "outputs of the deployment, from cdk deploy --outputs-file FILE or pulumi stack output --json > FILE");
}

/** Adds `--via`, for databases that are only reachable through a tunnel. */
export function withVia(command: Command): Command {
  return command.option(
    "--via <HOST:PORT...>",
    "connect to this end of a tunnel instead of the database; for several instances, main=localhost:5433",
  );
}

/** Formats in which a command prints its result. */
export type Format = "text" | "markdown" | "json" | "html";

/** The option of a command that prints its result in several formats. */
export interface FormatOptions<F extends Format = "text" | "json"> {
  readonly format: F;
}

/** Adds `--format`, the same in every command. Whatever the format, only the result goes to stdout. @param formats the first is the default. */
export function withFormat(command: Command, formats: readonly Format[] = ["text", "json"]): Command {
  const option = new Option("--format <format>", "the format of the result; progress, warnings and errors go to stderr");
  return command.addOption(option.choices(formats).default(formats[0]));
}

/** Input of a command. */
export interface Invocation<O> {
  readonly environment: ProjectEnvironment;
  /** Null on this machine. */
  readonly cloud: Cloud | null;
  readonly progress: Progress;
  readonly options: O;
  readonly args: readonly string[];
}

/** The subject of a command, for the commands that it prints. */
export const aboutOf = ({ environment, cloud, options }: Invocation<CloudOptions>): About => ({
  environment: environment.name,
  cloud: cloud?.name ?? null,
  outputs: options.outputs,
  via: options.via,
});

/** Several independent problems. Each is printed with its own mark. */
export class UserErrors extends UserError {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Thrown when the user stops a question, or a program that this one waits for. Ends with its message and exit code 130. */
export class Stopped extends UserError {}

const STOPPED = new WeakMap<Command, string>();

/** Sets the message after Ctrl-C: the state in which the command stops, and what a next run does. */
export function whenStopped(command: Command, sentence: string): Command {
  STOPPED.set(command, sentence);
  return command;
}

/** A command line with its function. Each file of `commands/` exports one. */
export interface Program {
  readonly command: Command;
  /** Runs it on the arguments of the process. */
  run(): Promise<void>;
}

/** A program that works on one environment. @param load how a cloud loads it. */
export const main = <O>(
  command: Command,
  run: (invocation: Invocation<O>) => Promise<number>,
  load: "loadEnvironment" | "loadToSynthesize" = "loadEnvironment",
): Program =>
  toProgram<O & CloudOptions & { environment?: string }>(command, async (options, progress) => {
    const cloud = options.cloud === undefined ? null : loadCloud(options.cloud);
    if (cloud === null && (options.outputs ?? options.via) !== undefined)
      throw new UserError("--outputs and --via are only for deployments on a cloud; add --cloud");
    const environment =
      cloud === null
        ? loadEnvironment(options.environment ?? LOCAL_ENVIRONMENT, local)
        : cloud[load](options.environment ?? onlyEnvironmentOn(cloud.name, "--environment NAME"));
    return run({ environment, cloud, progress, options, args: command.args });
  });

/** A program whose result is its exit code. */
export const toProgram = <O extends object>(command: Command, run: (options: O, progress: Progress) => Promise<number>): Program => ({
  command,
  run: () => runCommand(command, run),
});

/** Runs a command. A UserError ends with its message and exit code 1, without a stack trace; Ctrl-C ends with exit code 130. */
async function runCommand<O extends object>(command: Command, run: (options: O, progress: Progress) => Promise<number>): Promise<void> {
  const progress = createProgress(STOPPED.get(command));
  const signals = handleSignals(
    async () => undefined,
    () => progress.stop(true),
  );
  // The server's account needs access to its programs and data; files with secrets get a stricter mode.
  process.umask(0o022);
  try {
    if (isNpmScript()) refuseSwallowed(command, process.argv.slice(2), environmentNames());
    command.parse();
    process.exitCode = await run(command.opts<O>(), progress);
  } catch (error) {
    progress.stop();
    process.exitCode = report(error);
  } finally {
    signals.forget();
  }
}

function report(error: unknown): number {
  // The parser has already printed its message or the help.
  if (error instanceof CommanderError) return error.exitCode;
  const mistake = error instanceof UserError ? error : missingPackages(error);
  if (mistake !== null)
    for (const problem of mistake instanceof UserErrors ? mistake.problems : [mistake.message])
      process.stderr.write(`${pc.red("✖")} ${problem}\n`);
  else
    process.stderr.write(
      `${pc.red("✖")} this is a bug in platform-postgres; please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
    );
  return error instanceof Stopped ? 130 : 1;
}
