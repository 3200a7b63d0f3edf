import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import Table from "cli-table3";
import pc from "picocolors";
import { LIBPQ_WORDS } from "../../constructs/model/dead-connections";
import { UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { type Client, persist, type Server, UNLIMITED, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { type Connection, connectDeployed } from "../cloud-session";
import { type CloudOptions, createCommand, main, withCloudOptions, withExamples, withVia } from "../command";
import { withServers } from "../local/session";
import { instanceOf, locate, passwordsOf } from "../local/tenant";
import { toPsqlVariables, withoutLibpq } from "../psql";

interface Options extends CloudOptions {
  readonly database?: string;
  readonly psql: boolean;
}

const command = createCommand("sql", "Open a prompt in a platform's database, as the platform does. Statements end with a semicolon.")
  .argument("<platform>", "the platform")
  .option("-d, --database <name>", "one of the platform's databases; by default its first")
  .option("--no-psql", "use the built-in prompt, even where psql is installed");

withExamples(
  command,
  ["", "list the platforms, and their databases"],
  ["prefect", "a prompt, in psql where it is installed"],
  ["prefect --no-psql < report.sql", "run a file"],
  ["mlflow --cloud aws -e production --outputs cdk-outputs.json --via localhost:5433", "what is deployed, through a tunnel"],
);

void main<Options>(withVia(withCloudOptions(command)), (invocation) => {
  const { environment, cloud, progress, options, args } = invocation;
  const platform = args[0] ?? "";
  const { instance, tenant } = locate(environment, platform);
  const names = tenant.databases.map((each) => each.name);
  const database = options.database ?? names[0] ?? "";
  if (!names.includes(database)) throw new UserError(`${platform} has no database ${database}; ${suggest(database, names)}`);
  const open = async ({ access, ca }: Connection) => {
    const { current: credential } = await passwordsOf(platform, tenant, access);
    progress.stop();
    if (options.psql && process.stdin.isTTY === true) {
      const code = await runPsql(access.server, credential, database, ca);
      if (code !== null) return code;
    }
    return persist(access.server, credential, database, access.patience, () =>
      withClient(access.server, credential, database, prompt, UNLIMITED),
    );
  };
  return cloud === null
    ? withServers(environment, progress, (session) => open(instanceOf(session, instance)))
    : open(connectDeployed(invocation, cloud, instance));
});

/** Returns psql's exit code; null if psql is not installed. The login goes by variables, because every user sees arguments. */
async function runPsql(server: Server, credential: Credential, database: string, ca: string): Promise<number | null> {
  const directory = await mkdtemp(join(tmpdir(), "platform-postgres-"));
  try {
    const caFile = join(directory, "ca.pem");
    await writeFile(caFile, ca);
    const variables = await toPsqlVariables(server, credential, database, caFile);
    // As words: libpq has a variable for the first of these bounds only.
    const child = spawn("psql", [LIBPQ_WORDS], { stdio: "inherit", env: { ...withoutLibpq(process.env), ...variables } });
    return await withoutInterrupts(
      new Promise((resolve) => {
        child.once("error", () => resolve(null));
        child.once("close", (code) => resolve(code ?? 1));
      }),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Ctrl-C cancels psql's query; it must not stop the server below it. */
async function withoutInterrupts<T>(running: Promise<T>): Promise<T> {
  const listeners = process.listeners("SIGINT");
  const ignore = () => undefined;
  process.removeAllListeners("SIGINT").on("SIGINT", ignore);
  try {
    return await running;
  } finally {
    process.off("SIGINT", ignore);
    for (const listener of listeners) process.on("SIGINT", listener);
  }
}

/** A prompt on the driver: lines up to a semicolon are one statement. */
async function prompt(client: Client): Promise<number> {
  await client.query('set search_path to "$user", public');
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, output: isTerminal ? process.stdout : undefined, prompt: `${client.database}=> ` });
  let statement = "";
  let failed = false;
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    statement += `${line}\n`;
    if (/^\s*(\\q|exit|quit)\s*;?\s*$/.test(statement)) break;
    if (/;\s*$/.test(statement)) {
      failed = !(await execute(client, statement)) || failed;
      statement = "";
    }
    lines.setPrompt(statement.trim() === "" ? `${client.database}=> ` : `${client.database}-> `);
    if (isTerminal) lines.prompt();
  }
  if (statement.trim() !== "" && !/^\s*(\\q|exit|quit)/.test(statement)) failed = !(await execute(client, statement)) || failed;
  lines.close();
  return failed && !isTerminal ? 1 : 0;
}

async function execute(client: Client, statement: string): Promise<boolean> {
  try {
    const results = [await client.query({ text: statement, rowMode: "array" })].flat();
    for (const result of results)
      process.stdout.write(result.fields.length === 0 ? `${result.command}\n` : `${toTable(result.fields, result.rows)}\n`);
    return true;
  } catch (error) {
    process.stdout.write(`${pc.red("ERROR")}: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

function toTable(fields: readonly { readonly name: string }[], rows: readonly unknown[][]): string {
  const table = new Table({ head: fields.map((field) => field.name), style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map(show));
  return `${table.toString()}\n(${rows.length} ${rows.length === 1 ? "row" : "rows"})`;
}

const show = (value: unknown): string => {
  if (value === null) return pc.dim("null");
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};
