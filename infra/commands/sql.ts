import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIBPQ_WORDS } from "../../constructs/model/dead-connections";
import { UserError } from "../../constructs/model/errors";
import { suggest } from "../../constructs/model/suggest";
import { type Client, persist, type Server, UNLIMITED, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { type Connection, connectDeployed } from "../cloud-session";
import { type CloudOptions, createCommand, main, withCloudOptions, withExamples, withVia } from "../command";
import type { ProjectEnvironment } from "../load";
import { withServers } from "../local/session";
import { instanceOf, locate, passwordsOf } from "../local/tenant";
import { toPsqlVariables, withoutLibpq } from "../psql";
import { prompt } from "../sql-prompt";
import { toTable } from "../table";

interface Options extends CloudOptions {
  readonly platform?: string;
  readonly database?: string;
  readonly psql: boolean;
}

const command = createCommand(
  "sql",
  "Open an SQL prompt in a platform's database, with the platform's login. Statements end with a semicolon.",
)
  .argument("[platform]", "the platform (default: list the platforms)")
  .option("-p, --platform <name>", "the platform, as an option")
  .option("-d, --database <name>", "one of the platform's databases (default: the first)")
  .option("--no-psql", "use the built-in prompt, even if psql is installed");

withExamples(
  command,
  ["", "list the platforms and their databases"],
  ["prefect", "open a prompt, in psql if it is installed"],
  ["prefect --no-psql < report.sql", "run a file"],
  ["mlflow --cloud aws -e production --outputs cdk-outputs.json --via localhost:5433", "open a prompt in a deployment, through a tunnel"],
);

export const program = main<Options>(withVia(withCloudOptions(command)), async (invocation) => {
  const { environment, cloud, progress, options, args } = invocation;
  const [platform = options.platform] = args;
  if (platform === undefined) return list(environment);
  if ((options.platform ?? platform) !== platform) throw new UserError(`name one platform, not ${platform} and ${options.platform}`);
  const { instance, tenant } = locate(environment, platform);
  const names = tenant.databases.map((each) => each.name);
  const database = options.database ?? names[0] ?? "";
  if (!names.includes(database)) throw new UserError(`${platform} has no database ${database}; ${suggest(database, names)}`);
  const open = async ({ access, ca }: Connection) => {
    const { current: credential } = await passwordsOf(platform, tenant, access);
    progress.stop();
    if (options.psql && process.stdin.isTTY === true) {
      const code = await runPsql(access.server, credential, database, ca);
      if (code === NO_CONNECTION && access.server.unreachable !== undefined) process.stderr.write(`${access.server.unreachable}\n`);
      if (code !== null) return code;
    }
    return persist(access.server, credential, database, access.patience, () =>
      withClient(
        access.server,
        credential,
        database,
        (client) => prompt(client, platform, () => cancel(access, credential, client)),
        UNLIMITED,
      ),
    );
  };
  return cloud === null
    ? withServers(environment, progress, (session) => open(instanceOf(session, instance)), { creates: false })
    : open(connectDeployed(invocation, cloud, instance));
});

/** psql's exit code if it has no connection: https://www.postgresql.org/docs/17/app-psql.html */
const NO_CONNECTION = 2;

/** Lists the platforms. Without a terminal it fails, because piped statements must not look as if they had run. */
async function list({ name, instances }: ProjectEnvironment): Promise<number> {
  const rows = Object.entries(instances).flatMap(([instance, { tenants }]) =>
    Object.entries(tenants).map(([platform, { databases }]) => [platform, databases.map((each) => each.name).join("\n"), instance]),
  );
  const names = rows.map(([platform]) => platform).join(", ");
  if (process.stdin.isTTY !== true) throw new UserError(`the platform is missing; name one of environment ${name}: ${names}`);
  process.stdout.write(`${toTable(["platform", "databases", "instance"], rows)}\n`);
  return 0;
}

/** Cancels the statement of a session through another session of the same login. */
const cancel = (
  { server }: Pick<Connection["access"], "server">,
  credential: Credential,
  { database = "", ...its }: Client,
): Promise<void> =>
  withClient(server, credential, database, async (client) => {
    // Sessions start as the owner, which may not cancel the login's sessions.
    await client.query("set role none");
    await client.query("select pg_cancel_backend($1)", [(its as unknown as { readonly processID: number }).processID]);
  });

/** Returns psql's exit code; null if psql is not installed. Passes the login in variables, because other users can read arguments. */
async function runPsql(server: Server, credential: Credential, database: string, ca: string): Promise<number | null> {
  const directory = await mkdtemp(join(tmpdir(), "platform-postgres-"));
  try {
    const caFile = join(directory, "ca.pem");
    await writeFile(caFile, ca);
    const variables = await toPsqlVariables(server, credential, database, caFile);
    // As an argument: libpq has a variable for the first of these bounds only.
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

/** Keeps Ctrl-C, which cancels psql's query, from stopping the server. */
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

if (require.main === module) void program.run();
