import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { local } from "../../constructs/local/target";
import { resolveUnknown } from "../../constructs/model/resolve";
import type { Tenant } from "../../constructs/model/spec";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import { type Server, withClient } from "../../constructs/provisioning/connect";
import type { Credential } from "../../constructs/provisioning/credential";
import { provision } from "../../constructs/provisioning/provision";
import { rotate } from "../../constructs/provisioning/rotate";
import { readVersions } from "../../constructs/provisioning/versions";
import { toEnvFile } from "../../infra/output";
import { must } from "../fixtures/must";
import { query } from "../fixtures/server";
import { type Replicated, startReplicated } from "./standby";
import { freePort, MLFLOW, type Serving, type StartedEnvironment, status, stop, until } from "./started";
import { type Proof, run } from "./tools";

/** Seconds by which the standby lags while MLflow migrates. */
const LAG = 5;
/** Requests of each kind, one after the other. */
const REQUESTS = 20;
/** Clients at the same time, and milliseconds that they go on for. */
const CLIENTS = 8;
const LOAD = 10_000;
/** Milliseconds that a new password may take to the standby. */
const PATIENCE = 30_000;

const environment = resolveUnknown(
  { name: "reader", instances: { main: { readReplicas: 1 } }, platforms: { mlflow: { readFromReplica: true } } },
  { target: local, platforms },
);
const instance = must(environment.instances.main);
const tenant: Tenant = must(instance.tenants.mlflow);

const proof = (what: string, holds: boolean, shown: string): Proof => ({ what, problem: holds ? null : shown, shown });

/** MLflow of an instance with a read replica, provisioned and wired as ever, with a real standby. */
export class ReaderProof {
  #replicated: Replicated | undefined;

  /** @param started has installed MLflow. */
  constructor(private readonly started: StartedEnvironment) {}

  async prove(): Promise<readonly Proof[]> {
    const replicated = await startReplicated(async ({ access }) => void (await provision({ environment: "reader", instance }, access)));
    this.#replicated = replicated;
    const { access, ca } = replicated.primary;
    writeFileSync(this.#caFile, ca.certificate);
    const migrated = await this.#migrate(replicated);
    const server = await this.#serve(replicated);
    const routed = [...(await route(replicated, server)), await overtake(server), await count(replicated, server)];
    stop(server.group);
    const verified = await this.#verify(replicated);
    const { current } = await rotate(tenant, access, { force: true });
    const seconds = await follow(replicated);
    const renewed = await this.#serve(replicated);
    const names = await search(renewed);
    stop(renewed.group);
    const shown = `${current} logs in there after ${seconds.toFixed(2)} s; MLflow finds ${names.length} experiments`;
    return [migrated, ...routed, verified, proof("after a rotation the new login reads on the standby", names.length > REQUESTS, shown)];
  }

  async remove(): Promise<void> {
    await this.#replicated?.remove();
  }

  get #caFile(): string {
    return this.started.scratch("reader-ca.pem");
  }

  /** By its module: the environment's scripts may be installed anywhere. */
  get #python(): string {
    return must(this.started.commandsOf("mlflow")[1]).replace(/\/pip .*/, "/python");
  }

  /** The wiring, and variables of it as a process gets them. */
  async #wire({ primary, standby }: Replicated) {
    const { host, port } = primary.access.server;
    const { wiring } = must(wirePlatforms(environment, platforms, () => ({ host, port, reader: standby, sidecar: null })).mlflow);
    const credential = await credentialOf(primary);
    const values = { credential, secret: { ...credential }, caFile: this.#caFile, directory: this.started.scratch("") };
    const toVariables = (variables: Parameters<typeof toEnvFile>[0]) => toEnvFile(variables, values).trim().split("\n");
    return { wiring, toVariables };
  }

  /** As the init container does. */
  async #migrate(replicated: Replicated): Promise<Proof> {
    const { wiring, toVariables } = await this.#wire(replicated);
    const { command, variables } = must(wiring.migrate[0]);
    replicated.delay(LAG);
    const start = Date.now();
    const { code, output } = run("env", ["-i", ...toVariables(variables), this.#python, ...command.slice(1)]);
    const seconds = (Date.now() - start) / 1000;
    const credential = await credentialOf(replicated.primary);
    const [here, there] = await Promise.all(
      [replicated.primary.access.server, replicated.standby].map((server) => revisionOf(server, credential)),
    );
    replicated.delay(0);
    return proof(
      `the migration ends when a standby that lags by ${LAG} s has it, too`,
      code === 0 && here !== null && here === there,
      code === 0 ? `${here} and ${there} after ${seconds.toFixed(1)} s` : output,
    );
  }

  async #serve(replicated: Replicated): Promise<Serving> {
    const { wiring, toVariables } = await this.#wire(replicated);
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const command = `exec env ${toVariables(wiring.variables)
      .map((each) => `'${each}'`)
      .join(" ")} ${this.#python} -m mlflow server --port ${port}`;
    const { group, log } = this.started.start(command, { PATH: must(process.env.PATH), HOME: this.started.scratch("") }, "reader.log");
    until("MLflow with a standby", log, () => status(`${url}${MLFLOW.health}`) === 200);
    return { url, group };
  }

  /** The standby by a name that its certificate does not carry. */
  async #verify(replicated: Replicated): Promise<Proof> {
    const connect = async (host: string) => {
      const { wiring, toVariables } = await this.#wire({ ...replicated, standby: { ...replicated.standby, host } });
      const script =
        'import os, sqlalchemy\ne = sqlalchemy.create_engine(os.environ["MLFLOW_READ_REPLICA_BACKEND_STORE_URI"]).connect()\n' +
        'print("TLS:", e.connection.driver_connection.info.ssl_in_use, "standby:", e.exec_driver_sql("select pg_is_in_recovery()").scalar())';
      return run("env", ["-i", ...toVariables(wiring.variables), this.#python, "-c", script]);
    };
    const [right, wrong] = [await connect("127.0.0.1"), await connect("localhost")];
    const refused = /server certificate for .* does not match host name "localhost"/.exec(wrong.output)?.[0];
    return proof(
      "the standby is verified by its own name",
      right.output.includes("TLS: True standby: True") && refused !== undefined,
      `${right.output.trim()}; else: ${refused ?? wrong.output}`,
    );
  }
}

async function credentialOf({ access }: Replicated["primary"]): Promise<Credential> {
  return must(await readVersions(tenant, access.store)).current;
}

const revisionOf = (server: Server, credential: Credential): Promise<string | null> =>
  withClient(server, credential, "mlflow", (client) => query(client, "select version_num from public.alembic_version")).then(
    ([row]) => String(row?.version_num),
    () => null,
  );

const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}/api/2.0/mlflow/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function search({ url }: Pick<Serving, "url">): Promise<readonly string[]> {
  const answer = await post(url, "experiments/search", { max_results: 1000 });
  const { experiments } = (await answer.json()) as { readonly experiments: readonly { readonly name: string }[] };
  return experiments.map(({ name }) => name);
}

/** How often each server ran a kind of statement on experiments, in its log from a byte on. */
const statements = (log: string, from: number) => {
  const text = readFileSync(log).subarray(from).toString();
  return {
    reads: text.match(/statement: SELECT experiments\./g)?.length ?? 0,
    writes: text.match(/statement: INSERT INTO experiments /g)?.length ?? 0,
  };
};

/** Where searches and creations arrive. */
async function route({ logs }: Replicated, { url }: Serving): Promise<readonly Proof[]> {
  const during = async (request: (index: number) => Promise<unknown>) => {
    const from = { primary: readFileSync(logs.primary).length, standby: readFileSync(logs.standby).length };
    for (let index = 0; index < REQUESTS; index++) await request(index);
    return { primary: statements(logs.primary, from.primary), standby: statements(logs.standby, from.standby) };
  };
  const written = await during((index) => post(url, "experiments/create", { name: `reader ${index}` }));
  const read = await during(() => search({ url }));
  const toText = ({ reads, writes }: ReturnType<typeof statements>) => `${reads} SELECT, ${writes} INSERT`;
  const shown = ({ primary, standby }: typeof read) => `primary ${toText(primary)}; standby ${toText(standby)}`;
  return [
    proof(
      `${REQUESTS} creations of experiments are written to the primary`,
      written.primary.writes === REQUESTS && written.standby.writes === 0,
      shown(written),
    ),
    proof(
      `${REQUESTS} searches for experiments are read on the standby`,
      read.primary.reads === 0 && read.standby.reads >= REQUESTS,
      shown(read),
    ),
  ];
}

/** How often a client that asks at once for what it has created is faster than the replication. */
async function overtake({ url }: Serving): Promise<Proof> {
  let missed = 0;
  for (let index = 0; index < REQUESTS; index++) {
    const name = `overtaken ${index}`;
    await post(url, "experiments/create", { name });
    if (!(await fetch(`${url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`)).ok) missed++;
  }
  return proof("a client may ask before its change has arrived", true, `${missed} of ${REQUESTS} requests came too early, on one machine`);
}

/** The most connections on each side, against what the budget has. */
async function count({ primary, standby }: Replicated, { url }: Serving): Promise<Proof> {
  const end = Date.now() + LOAD;
  const client = async (_: unknown, number: number) => {
    for (let index = 0; Date.now() < end; index++) {
      await search({ url });
      await post(url, "experiments/create", { name: `load ${number} ${index}` });
      await fetch(`${url}/api/2.0/mlflow/registered-models/search`);
    }
  };
  const seen = { primary: 0, standby: 0 };
  const watch = async (where: keyof typeof seen, server: Server) =>
    withClient(server, primary.access.master, "postgres", async (session) => {
      for (; Date.now() < end; await wait(50)) {
        const [row] = await query(session, "select count(*)::int as it from pg_stat_activity where datname = 'mlflow'");
        seen[where] = Math.max(seen[where], Number(row?.it));
      }
    });
  await Promise.all([...Array.from({ length: CLIENTS }, client), watch("primary", primary.access.server), watch("standby", standby)]);
  const { peak, readerPeak } = must(environment.platforms.mlflow);
  return proof(
    `${CLIENTS} clients open no more connections than the budget has for each server`,
    seen.primary <= peak && seen.standby <= readerPeak && seen.standby > 0,
    `primary ${seen.primary} of ${peak}, standby ${seen.standby} of ${readerPeak}`,
  );
}

/** Seconds until the standby takes the current password. */
async function follow({ primary, standby }: Replicated): Promise<number> {
  const credential = await credentialOf(primary);
  const start = Date.now();
  while ((await revisionOf(standby, credential)) === null) {
    if (Date.now() - start > PATIENCE) throw new Error("the new password does not arrive on the standby");
    await wait(20);
  }
  return (Date.now() - start) / 1000;
}
