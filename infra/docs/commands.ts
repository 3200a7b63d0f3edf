import type { Option } from "commander";
import { examplesOf, type Program } from "../command";
import { PACKAGE } from "../project";
import { toTable } from "./facts";

/** Commands of the package, in the order in which users need them. */
export const COMMANDS = [
  "init",
  "start",
  "doctor",
  "status",
  "plan",
  "snapshot",
  "render",
  "provision",
  "rotate",
  "import",
  "sql",
] as const;

const load = (name: (typeof COMMANDS)[number]): Program => (require(`../commands/${name}.ts`) as { readonly program: Program }).program;

function describe({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? "" : `; one of ${argChoices.map((each) => `\`${each}\``).join(", ")}`;
  const usual = typeof defaultValue === "string" ? `; default: \`${defaultValue}\`` : "";
  return `${description}${choices}${usual}`;
}

function section(name: (typeof COMMANDS)[number]): readonly string[] {
  const { command } = load(name);
  const called = `npx ${PACKAGE} ${name}`;
  const args = command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`));
  const examples = examplesOf(command).flatMap(([words, what]) => [`# ${what}`, words === "" ? called : `${called} ${words}`]);
  return [
    `## \`${name}\``,
    "",
    command.description(),
    "",
    `\`${[called, "[options]", ...args].join(" ")}\``,
    "",
    ...toTable(
      ["option", "what it does"],
      command.options.map((option) => [`\`${option.flags}\``, describe(option)]),
    ),
    "",
    "```sh",
    ...examples,
    "```",
    "",
  ];
}

/** The page of all commands. */
export const commandsPage = (): string =>
  [
    "# Commands",
    "",
    "Every command of `platform-postgres` with its options and examples. `npm run docs` writes this page from the code.",
    "",
    `In a project, type \`npx ${PACKAGE} COMMAND\`; \`npm start\` is \`start\`, and \`npm test\` is \`snapshot\`. In this repository each is a script: \`npm run doctor -- --all\`.`,
    `\`npx ${PACKAGE} complete bash\`, \`zsh\` or \`fish\` prints the shell's completion. Relative paths start in your current directory.`,
    "",
    "| exit code | means |",
    "|---|---|",
    "| 0 | done, without problems |",
    "| 1 | an error or a failed check: stderr shows what to change |",
    "| 2 | `plan`: something would be lost or refused; `provision --dry-run`: something would change |",
    "| 130 | stopped with Ctrl-C; completed steps are kept |",
    "",
    ...COMMANDS.flatMap(section),
  ].join("\n");
