import { createInterface, type Interface } from "node:readline";
import pc from "picocolors";
import type { Client } from "../constructs/provisioning/connect";
import { META_COMMANDS, toQuery } from "./sql-catalogue";
import { terminalColumns, toRecords, toTable, widthOf } from "./table";

/** The user's choices at the prompt. */
interface Display {
  /** Whether all rows are shown as records, with a line for each column; otherwise only rows wider than the terminal are. */
  isExpanded: boolean;
}

type Outcome = "done" | "failed" | "left";

/**
 * Runs a prompt on the driver. Lines up to a semicolon are one statement; a line that begins with a backslash is a command of the prompt.
 *
 * @param cancel cancels the running statement.
 */
export async function prompt(client: Client, platform: string, cancel: () => Promise<void>): Promise<number> {
  await client.query('set search_path to "$user", public');
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: isTerminal ? process.stdout : undefined, prompt: `${client.database}=> ` });
  if (isTerminal) process.stdout.write(`${pc.dim(`${platform} in ${client.database}, as the platform; \\? lists commands, \\q ends`)}\n`);
  const display: Display = { isExpanded: false };
  let statement = "";
  let failed = false;
  let isRunning = false;
  const interrupt = () => {
    process.stdout.write("\n");
    if (isRunning) return void cancel().catch((error: Error) => refuse(`the statement could not be cancelled: ${error.message}`));
    statement = "";
    ask(lines, client, statement, isTerminal);
  };
  if (isTerminal) lines.on("SIGINT", interrupt);
  ask(lines, client, statement, isTerminal);
  for await (const line of lines) {
    const isCommand = statement.trim() === "" && /^\s*(\\|(exit|quit)\s*;?\s*$)/.test(line);
    statement = isCommand ? "" : `${statement}${line}\n`;
    if (isCommand || /;\s*$/.test(statement)) {
      isRunning = true;
      const outcome = await (isCommand ? command(client, line.trim(), display) : execute(client, statement, display));
      isRunning = false;
      statement = "";
      if (outcome === "left") break;
      failed = outcome === "failed" || failed;
    }
    ask(lines, client, statement, isTerminal);
  }
  if (statement.trim() !== "") failed = (await execute(client, statement, display)) === "failed" || failed;
  lines.close();
  return failed && !isTerminal ? 1 : 0;
}

function ask(lines: Interface, { database }: Client, statement: string, isTerminal: boolean): void {
  if (!isTerminal) return;
  lines.setPrompt(`${database}${statement.trim() === "" ? "=>" : "->"} `);
  lines.prompt();
}

async function command(client: Client, line: string, display: Display): Promise<Outcome> {
  const [name = "", argument = ""] = line.replace(/[\s;]+$/, "").split(/\s+/);
  if (["\\q", "exit", "quit"].includes(name)) return "left";
  if (name === "\\?") return write(META_COMMANDS.map((each) => `${each.name.padEnd(10)}${each.does}`).join("\n"));
  if (name === "\\x") {
    display.isExpanded = !display.isExpanded;
    return write(`expanded display is ${display.isExpanded ? "on" : "off"}`);
  }
  const query = toQuery(name, argument);
  if (query === null) return refuse(`${name}: unknown command; \\? lists the commands of this prompt, psql has more`);
  for (const { text, values } of query) if ((await execute(client, text, display, values)) === "failed") return "failed";
  return "done";
}

function write(text: string): Outcome {
  process.stdout.write(`${text}\n`);
  return "done";
}

function refuse(message: string): Outcome {
  process.stdout.write(`${pc.red("ERROR")}: ${message}\n`);
  return "failed";
}

async function execute(client: Client, text: string, display: Display, values?: readonly string[]): Promise<Outcome> {
  try {
    const results = [await client.query({ text, rowMode: "array", ...(values === undefined ? {} : { values: [...values] }) })].flat();
    for (const { fields, rows, command: tag } of results)
      write(
        fields.length === 0
          ? tag
          : draw(
              fields.map(({ name }) => name),
              rows,
              display,
            ),
      );
    return "done";
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Like psql's `\x auto`: shows records if rows would be wider than the terminal. */
function draw(head: readonly string[], rows: readonly (readonly unknown[])[], { isExpanded }: Display): string {
  const cells = rows.map((row) => row.map(show));
  const columns = terminalColumns();
  const table = isExpanded ? "" : toTable(head, cells, { columns: null });
  const isRecords = isExpanded || (columns !== null && rows.length > 0 && widthOf(table) > columns);
  return `${isRecords ? toRecords(head, cells) : table}\n(${rows.length} ${rows.length === 1 ? "row" : "rows"})`;
}

/** Removes control characters of terminals, because anyone may have written the value. */
const show = (value: unknown): string => {
  if (value === null) return pc.dim("null");
  if (value instanceof Date) return value.toISOString();
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
};
