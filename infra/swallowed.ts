import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { UserError } from "../constructs/model/errors";
import { npmLine } from "./command-line";
import { project } from "./project";

/** Options that both npm and a command have, whose values may be meant for npm only. */
const NPM_TOO = ["yes"];
/** Options that npm expands to its own, such as `--format` to `--format-package-lock`, so that only their values remain. */
const ABBREVIATIONS = ["format"];
/** npm's options with a short form that a command has, too. */
const SHORT: Readonly<Record<string, string>> = { "-c": "call", "-p": "parseable" };

/**
 * `npm run plan --cloud aws` passes only `aws` to the command: npm takes the options for its own, and sets `npm_config_cloud`.
 *
 * @param args arguments that npm passes on.
 * @param environments names of all environments.
 * @throws UserError with the complete command, if npm has taken some of its options.
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
  // Newer versions of npm pass the values on in order; values that only one option can have come first.
  const options = [...kept].sort((a, b) => rank(a.option) - rank(b.option));
  const given = options.map(({ option, value }) => [`--${option.name()}`, ...toValues(option, value, words, environments)]);
  const line = npmLine(process.env.npm_lifecycle_event ?? "", [...given.flat(), ...words, ...rest]);
  throw new UserError(
    `npm does not pass on options before "--" (${kept.map(({ option }) => `--${option.name()}`).join(", ")}); run ${line}`,
  );
}

/** Returns npm's value of an option: empty or `true` if it has no value; null if npm has not taken it. */
function keptOf(option: Option): string | null {
  const names = [option.name(), option.attributeName(), ...(option.short ? [SHORT[option.short] ?? ""] : [])];
  for (const name of names.filter((each) => each !== "")) {
    const value = process.env[`npm_config_${name.replaceAll("-", "_").toLowerCase()}`];
    // npm sets false values to an empty text.
    const isGiven = option.negate ? value === "" || value === "false" : value !== undefined && value !== "false" && value !== "";
    if (isGiven && !isConfigured(name)) return value ?? null;
  }
  return null;
}

/** Returns npm's value of an option that it mistook for another. The real value is among the words. */
const expandedOf = (option: Option, words: readonly string[]): string | null =>
  ABBREVIATIONS.includes(option.name()) && words.some((word) => option.argChoices?.includes(word)) ? "true" : null;

const isAmong = ({ long, short }: Option, args: readonly string[]): boolean =>
  args.some((arg) => [long, short].includes(arg) || arg.startsWith(`${long}=`));

/** Whether a key comes from a file of npm's settings, not from the command line. */
const isConfigured = (key: string): boolean =>
  [process.env.npm_config_userconfig, process.env.npm_config_globalconfig, join(project().root, ".npmrc")].some(
    (file) => file !== undefined && existsSync(file) && new RegExp(`^\\s*${key}(\\[\\])?\\s*(=|$)`, "m").test(readFileSync(file, "utf8")),
  );

const takesValue = ({ required, optional }: Option): boolean => required || optional;
const rank = (option: Option): number => (option.argChoices === undefined ? (option.name() === "environment" ? 1 : 2) : 0);

/** Returns the values of an option; if npm has not kept them, from the words that it passes on. */
function toValues(option: Option, kept: string, words: string[], environments: readonly string[]): readonly string[] {
  if (!takesValue(option)) return [];
  const values = kept.split("\n\n").filter((value) => value !== "true" && value !== "");
  if (values.length > 0) return values;
  const known = option.argChoices ?? (option.name() === "environment" ? environments : []);
  const found = words.findIndex((word) => known.includes(word));
  return words.length === 0 ? [option.name().toUpperCase()] : words.splice(Math.max(found, 0), 1);
}
