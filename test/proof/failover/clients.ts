import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { toSecret } from "../../../constructs/kubernetes/objects";
import { caPath } from "../../../constructs/kubernetes/pod";
import { local } from "../../../constructs/local/target";
import type { Platform } from "../../../constructs/model/platform";
import { resolveUnknown } from "../../../constructs/model/resolve";
import { type Wired, wirePlatforms } from "../../../constructs/model/wire";
import { platforms } from "../../../constructs/platforms/registry";
import { type Server, withClient } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import { readVersions } from "../../../constructs/provisioning/versions";
import { toProcessFiles } from "../../../infra/output";
import { must } from "../../fixtures/must";
import type { TestServer } from "../../fixtures/server";
import type { Replicated } from "../standby";
import { freePort, MLFLOW, PREFECT, type Server as StartedServer } from "../started";
import { drivers, server as platformServer, withPgx } from "../tools";
import type { Between } from "./network";

/** Its pool, and the seconds after which its clients cancel a request (`admin.perRetryTimeout`): its server then closes the connection. */
const FLYTE = { OPEN: "20", IDLE: "20", LIFETIME: "1800", DEADLINE: "15" };
/** Its pool. Its server goes on with a request that a caller has given up, here after as many seconds. */
const KUBEFLOW = { OPEN: "0", IDLE: "2", LIFETIME: "120", PATIENCE: "15" };

export interface Program {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What writes by several workers, and prints their numbers. */
export interface Client extends Program {
  /** What notices lost packets; null for what hangs then, and has to, or packets are not lost. */
  readonly noticed: "by the system" | "by the program" | null;
}

/** What a proof runs among the clients. */
export interface Programs {
  readonly clients: readonly Client[];
  /** Statements that take longer than any bound, and have to end. */
  readonly patient: readonly Program[];
  readonly servers: readonly Program[];
}

/** What docs/application.md lets programs of libpq add. */
const KEEPALIVES = "keepalives_idle=10&keepalives_interval=5&keepalives_count=3";
/** Seconds. */
const LONG = 20;

const SHOP = "shop";
export const environment = resolveUnknown(
  {
    name: "failover",
    instances: { main: { parameters: { max_connections: 450 } } },
    platforms: {
      mlflow: {},
      prefect: {},
      skillflaw: {},
      flyte: { maxOpenConnections: 60 },
      [SHOP]: { platform: "application", connections: 120 },
    },
  },
  { target: local, platforms },
);
export const instance = must(environment.instances.main);
/** Platforms whose place a program of this proof takes. */
const DOUBLES = ["skillflaw", "flyte", SHOP];

const credentialOf = async ({ access }: TestServer, name: string): Promise<Credential> =>
  must(await readVersions(must(instance.tenants[name]), access.store)).current;

const databaseOf = (name: string): string => must(must(instance.tenants[name]).databases[0]).name;

/** A table for what takes a platform's place. */
export async function prepare(primary: TestServer): Promise<void> {
  for (const name of DOUBLES)
    await withClient(primary.access.server, await credentialOf(primary, name), databaseOf(name), (client) =>
      client.query("CREATE TABLE public.proof (at timestamptz DEFAULT now())"),
    );
}

type Texts = Readonly<Record<string, string>>;

/** What a platform gets on this machine, and its Secret. */
interface Delivered {
  readonly wired: Wired;
  readonly credential: Credential;
  readonly env: Texts;
  readonly secret: Texts;
  readonly files: Texts;
}

/** Each driver and platform by the address that it is wired with, under the server's name. */
export async function programsOf({ primary }: Replicated, directory: string, between: Between): Promise<Programs> {
  const { name: host, port } = between;
  const caFile = join(directory, "ca.pem");
  writeFileSync(caFile, primary.ca.certificate);
  const wiredAll = wirePlatforms(environment, platforms, () => ({ host, port, reader: null, sidecar: null }));

  const deliver = async (name: string): Promise<Delivered> => {
    const wired = must(wiredAll[name]);
    const credential = await credentialOf(primary, name);
    const secret = toSecret(wired, credential, primary.ca.certificate).stringData as Texts;
    const written = toProcessFiles(name, wired.wiring, { credential, secret, caFile, directory });
    const files = Object.fromEntries(written.map(({ path, content }) => [path, content]));
    const lines = (files[`${name}/platform.env`] ?? "").split("\n").filter((line) => line !== "");
    return { wired, credential, secret, files, env: Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))) as Texts };
  };

  const [shop, skillflaw, flyte] = [await deliver(SHOP), await deliver("skillflaw"), await deliver("flyte")];
  // The Secret names the pod's path.
  const ofShop = (key: string) => must(shop.secret[key]).replaceAll(caPath(shop.wired.connection.tls), caFile);
  const uri = ofShop("uri").replace("postgresql:", "postgresql+psycopg2:");
  const server: Server = { host, port, tls: { mode: "verify-full", ca: primary.ca.certificate } };
  const session = { SERVER: JSON.stringify(server), CREDENTIAL: JSON.stringify(shop.credential), DATABASE: databaseOf(SHOP) };
  const patiently = { STATEMENT: `SELECT pg_sleep(${LONG})` };
  const mlflow = await serve("mlflow", ["server"], await deliver("mlflow"), MLFLOW, directory);
  const prefect = await serve("prefect", ["server", "start"], await deliver("prefect"), PREFECT, directory);
  await migrate(mlflow.program, must(wiredAll.mlflow), between);
  return {
    clients: [
      client("psycopg2 (sqlalchemy-psycopg2-uri)", "by the system", python(ofShop("sqlalchemy-psycopg2-uri"))),
      client("psycopg2 (uri with keepalives, as documented)", "by the system", python(`${uri}&${KEEPALIVES}`, shop.env)),
      client(
        "psycopg 3 (SkillFlaw's URL)",
        "by the system",
        python(must(skillflaw.env.SKILLFLAW_DATABASE_URL).replace("postgresql:", "postgresql+psycopg:")),
      ),
      client("asyncpg (with Prefect's timeouts)", "by the program", python(ofShop("sqlalchemy-asyncpg-uri"), { PGSSLROOTCERT: caFile })),
      client("pgx (Flyte's DSN and its clients' deadline)", "by the program", pgx(flyte, between, FLYTE)),
      client("pgx (callers who try again, as of Kubeflow)", "by the program", pgx(flyte, between, KUBEFLOW)),
      client("pg (this project's own sessions)", "by the system", node(session)),
      client("MLflow, its own server", "by the system", mlflow.requests),
      client("Prefect, its own server", "by the program", prefect.requests),
      client("psycopg2 without bounds", null, python(uri.replace(/&tcp_user_timeout=\d+/, ""))),
      client("pgx (requests without a deadline)", null, pgx(flyte, between, { ...FLYTE, DEADLINE: "0" })),
    ],
    patient: [
      { name: `psycopg2, a statement of ${LONG} s`, ...python(ofShop("sqlalchemy-psycopg2-uri"), patiently) },
      { name: `pg, a statement of ${LONG} s`, ...node({ ...session, ...patiently }) },
    ],
    servers: [mlflow.program, prefect.program],
  };
}

const client = (name: string, noticed: Client["noticed"], program: Omit<Program, "name">): Client => ({ name, noticed, ...program });

const python = (address: string, env: Texts = {}) => ({
  command: [drivers(), join(__dirname, "write.py")],
  env: { ...env, ADDRESS: address },
});

const node = (env: Texts) => ({ command: [process.execPath, "--require", "tsx/cjs", join(__dirname, "write.ts")], env });

/** @param pool how the program uses its connections. */
function pgx({ credential, files }: Delivered, { name, port }: Between, pool: Texts) {
  const { options } = parse(must(files["flyte/config.yaml"])).runs.database.postgres as { readonly options: string };
  const { username, password } = credential;
  const address = `host=${name} port=${port} dbname=${databaseOf("flyte")} user=${username} password=${password} ${options}`;
  return { command: [withPgx(join(__dirname, "write.go"))], env: { ...pool, ADDRESS: address } };
}

/** A platform's own server, as the verified chart runs it, and requests to it. */
async function serve(
  kind: "mlflow" | "prefect",
  command: readonly string[],
  { env }: Delivered,
  { write }: StartedServer,
  directory: string,
): Promise<{ readonly program: Program; readonly requests: Omit<Program, "name"> }> {
  const [verified] = must((platforms[kind] as Platform).servers({} as never)).versions;
  const port = freePort();
  const home = join(directory, kind);
  await mkdir(home);
  return {
    program: {
      name: kind,
      command: [platformServer(`${kind}-${verified.version}`, verified.packages), "-m", kind, ...command, "--port", String(port)],
      env: { ...env, HOME: home, PREFECT_SERVER_ANALYTICS_ENABLED: "false" },
    },
    requests: node({ URL: `http://127.0.0.1:${port}${write.path}`, BODY: JSON.stringify(write.body) }),
  };
}

/** As the init container does; not synchronously, because this process passes its bytes on. */
async function migrate(
  { command: [python = ""], env }: Program,
  { wiring }: Wired,
  { inside: [program, ...args] }: Between,
): Promise<void> {
  const { command } = must(wiring.migrate[0]);
  await promisify(execFile)(program, [...args, python, ...command.slice(1)], { env: { ...env, PATH: process.env.PATH } });
}
