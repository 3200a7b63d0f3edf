import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { UserError } from "../constructs/model/errors";
import { npmLine } from "./command-line";
import { project } from "./project";

/** Options of npm itself that a command has, too: what they are set to may be meant for npm alone. */
const NPM_TOO = ["yes"];
/** Options that npm takes for the beginning of its own, and leaves no trace of but their values: `--format` for `--format-package-lock`. */
const ABBREVIATIONS = ["format"];
/** Options of npm that its short forms stand for, where a command has the same short form. */
const SHORT: Readonly<Record<string, string>> = { "-c": "call", "-p": "parseable" };

/**
 * `npm run plan --cloud aws` passes only `aws` to the command: npm takes the options for its own, and sets `npm_config_cloud`.
 *
 * @param args what npm has passed.
 * @param environments names of all environments.
 * @throws UserError with the whole command as it was meant, if npm has kept options of it.
 */
export function refuseSwallowed(command: Command, args: readonly string[], environments: readonly string[]): void {
  const first = args.findIndex((arg) => arg.startsWith("-"));
  const words = first < 0 ? [...args] : args.slice(0, first);
  const rest = first < 0 ? [] : args.slice(first);
  const kept = command.options.flatMap((option) => {
    const value = isAmong(option, rest) ? null : (keptOf(option) ?? expandedOf(option, words));
    return value === null ? [] : [{ option, value }];
  });
  if (kept.every(({ option }) => NPM_TOO.includes(option.name()))) return;
  // Newer versions of npm pass the values on, in their order: those that only one option can have come first.
  const options = [...kept].sort((a, b) => rank(a.option) - rank(b.option));
  const given = options.map(({ option, value }) => [`--${option.name()}`, ...toValues(option, value, words, environments)]);
  const line = npmLine(process.env.npm_lifecycle_event ?? "", [...given.flat(), ...words, ...rest]);
  throw new UserError(
    `npm keeps options that stand before "--" (${kept.map(({ option }) => `--${option.name()}`).join(", ")}); run ${line}`,
  );
}

/** What npm has kept of an option: empty or `true` if there is no value; null if it has kept nothing. */
function keptOf(option: Option): string | null {
  const names = [option.name(), option.attributeName(), ...(option.short ? [SHORT[option.short] ?? ""] : [])];
  for (const name of names.filter((each) => each !== "")) {
    const value = process.env[`npm_config_${name.replaceAll("-", "_").toLowerCase()}`];
    // npm sets what is false to nothing.
    const isGiven = option.negate ? value === "" || value === "false" : value !== undefined && value !== "false" && value !== "";
    if (isGiven && !isConfigured(name)) return value ?? null;
  }
  return null;
}

/** What npm has kept of an option that it took for another: no value, which is among the words. */
const expandedOf = (option: Option, words: readonly string[]): string | null =>
  ABBREVIATIONS.includes(option.name()) && words.some((word) => option.argChoices?.includes(word)) ? "true" : null;

const isAmong = ({ long, short }: Option, args: readonly string[]): boolean =>
  args.some((arg) => [long, short].includes(arg) || arg.startsWith(`${long}=`));

/** Whether a file of npm's settings has a key, so that nobody has typed it. */
const isConfigured = (key: string): boolean =>
  [process.env.npm_config_userconfig, process.env.npm_config_globalconfig, join(project().root, ".npmrc")].some(
    (file) => file !== undefined && existsSync(file) && new RegExp(`^\\s*${key}(\\[\\])?\\s*(=|$)`, "m").test(readFileSync(file, "utf8")),
  );

const takesValue = ({ required, optional }: Option): boolean => required || optional;
const rank = (option: Option): number => (option.argChoices === undefined ? (option.name() === "environment" ? 1 : 2) : 0);

/** The values of an option, which it takes from the words that npm has passed if npm did not keep them. */
function toValues(option: Option, kept: string, words: string[], environments: readonly string[]): readonly string[] {
  if (!takesValue(option)) return [];
  const values = kept.split("\n\n").filter((value) => value !== "true" && value !== "");
  if (values.length > 0) return values;
  const known = option.argChoices ?? (option.name() === "environment" ? environments : []);
  const found = words.findIndex((word) => known.includes(word));
  return words.length === 0 ? [option.name().toUpperCase()] : words.splice(Math.max(found, 0), 1);
}
