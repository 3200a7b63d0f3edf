import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { withClient } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import type { CloudView } from "../../../infra/cloud-instance";
import { projectDirectory } from "../../fixtures/cli";
import { query, startServer, type TestServer } from "../../fixtures/server";
import type { Result } from "../tools";
import { AwsDouble, type NewInstance, type Started } from "./double";

/** A version of a secret. */
export interface Version extends Credential {
  readonly id: string;
  readonly stages: readonly string[];
}

/** What provisioning makes, apart from passwords, which only a superuser sees. */
const CATALOGUE = [
  "select rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolconnlimit, rolconfig::text from pg_roles order by 1",
  "select roleid::regrole::text as role, member::regrole::text, grantor::regrole::text, admin_option from pg_auth_members order by 1, 2, 3",
  "select datname, datdba::regrole::text as owner, datacl::text from pg_database order by 1",
  "select setdatabase, setrole::regrole::text as role, setconfig::text from pg_db_role_setting order by 1, 2",
];

/** A double of AWS with a real PostgreSQL behind each endpoint of RDS, and the real CLI of AWS CDK in front. */
export class World {
  /** All that the CLI has printed. */
  printed = "";
  /** What somebody does on a server before it is provisioned. */
  hindrance: string | null = null;
  /** Every password that any secret has been seen with. */
  readonly passwords = new Set<string>();
  /** By host; some may be starting. */
  private readonly servers = new Map<string, Promise<TestServer>>();
  /** The one that runs. */
  private cli: ReturnType<typeof spawn> | null = null;

  private constructor(
    private readonly directory: string,
    readonly aws: AwsDouble,
    private readonly variables: NodeJS.ProcessEnv,
  ) {}

  /** @param directory where the CLI may write. */
  static async start(directory: string): Promise<World> {
    const { aws, port } = await AwsDouble.start((instance) => world.startInstance(instance));
    const quiet = { CI: "true", NO_COLOR: "1", CDK_DISABLE_CLI_TELEMETRY: "true" };
    const world = new World(directory, aws, { ...process.env, ...AwsDouble.variables(port), ...quiet, HOME: directory });
    return world;
  }

  async stop(): Promise<void> {
    if (this.cli?.pid !== undefined) {
      const ended = once(this.cli, "close");
      process.kill(-this.cli.pid);
      await ended;
    }
    await this.aws.stop();
    for (const server of this.servers.values()) await server.then(({ stop }) => stop()).catch(() => undefined);
  }

  /** Runs the CLI. What it writes goes into the directory. */
  async cdk(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Promise<Result> {
    const common = ["--output", join(this.directory, "cdk.out"), "--no-notices"];
    const child = spawn(join(projectDirectory(), "node_modules", ".bin", "cdk"), [...args, ...common], {
      cwd: projectDirectory(),
      env: { ...this.variables, ...variables },
      // Detached, because Ctrl-C at the terminal is for us, and it has children of its own.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.cli = child;
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    this.cli = null;
    const output = chunks.join("");
    this.printed += output;
    return { code, output };
  }

  /** Runs a query at an instance: what RDS's endpoint leads to, with its certificate verified. */
  async sql(host: string, credential: Credential, database: string, statement: string): Promise<Record<string, unknown>[]> {
    const { server } = (await this.serverOf(host)).access;
    // By the address, which the certificate carries, too.
    return withClient({ ...server, host: "127.0.0.1" }, credential, database, (client) => query(client, statement));
  }

  /** The same as somebody who administers the server, and is not the master that RDS made. */
  async administer(host: string, statement: string): Promise<Record<string, unknown>[]> {
    return this.sql(host, (await this.serverOf(host)).access.master, "postgres", statement);
  }

  /** An instance and its backups, as `status` asks RDS for them. */
  async view(host: string): Promise<CloudView> {
    const script = "require(process.argv[1]).describeRds(process.argv[2]).then((view) => console.log(JSON.stringify(view)))";
    const file = join(__dirname, "..", "..", "..", "infra", "aws", "rds.ts");
    const args = ["--require", "tsx/cjs", "--eval", script, file, host];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: this.variables });
    return JSON.parse(stdout) as CloudView;
  }

  /** What a server holds. */
  async catalogue(host: string): Promise<readonly unknown[]> {
    const found = [];
    for (const statement of CATALOGUE) found.push(await this.administer(host, statement));
    return found;
  }

  /** A secret's versions. */
  async versions(arn: string): Promise<readonly Version[]> {
    const { VersionIdsToStages: stages = {} } = await this.aws.ask<{ VersionIdsToStages?: Record<string, string[]> }>(
      "secretsmanager",
      "describe_secret",
      { SecretId: arn },
    );
    const found: Version[] = [];
    for (const id of Object.keys(stages)) {
      const input = { SecretId: arn, VersionId: id };
      const { SecretString } = await this.aws.ask<{ SecretString: string }>("secretsmanager", "get_secret_value", input);
      const credential = JSON.parse(SecretString) as Credential;
      this.passwords.add(credential.password);
      found.push({ ...credential, id, stages: stages[id] ?? [] });
    }
    return found;
  }

  private serverOf(host: string): Promise<TestServer> {
    const server = this.servers.get(host);
    if (server === undefined) throw new Error(`RDS has started no instance ${host}, only ${[...this.servers.keys()].join(", ")}`);
    return server;
  }

  private async startInstance(instance: NewInstance): Promise<Started> {
    const starting = startMaster(instance, this.hindrance);
    this.servers.set(instance.host, starting);
    const { server, ca } = await starting;
    return { port: server.port, ca: ca.certificate };
  }
}

/** A server with the endpoint's name in its certificate, and RDS's master: no superuser. */
async function startMaster({ host, username, password }: NewInstance, hindrance: string | null): Promise<TestServer> {
  const unnamed = await startServer();
  const login = `${pg.escapeIdentifier(username)} LOGIN CREATEDB CREATEROLE PASSWORD ${pg.escapeLiteral(password)}`;
  await unnamed.sql(`CREATE ROLE ${login}`);
  if (hindrance !== null) await unnamed.sql(hindrance);
  return unnamed.restart({ certificateFor: host });
}
