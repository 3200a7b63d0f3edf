import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, describe } from "vitest";
import { local } from "../../constructs/local/target";
import { resolve } from "../../constructs/model/resolve";
import type { CoreSpec, ResolvedInstance } from "../../constructs/model/spec";
import { platforms } from "../../constructs/platforms/registry";
import { open } from "../../constructs/provisioning/connect";
import { provision } from "../../constructs/provisioning/provision";
import { type Observed, targetContract } from "../contract/target";
import { startServer, type TestServer } from "../fixtures/server";

const ONE_MACHINE = "one machine";

describe("this machine keeps what a spec promises, as far as it can", () => {
  let server: TestServer | undefined;
  let configured = "";
  afterAll(() => server?.stop());

  /** The server as the spec says, with a database that was made before it was started again. */
  async function startAs({ settings, maxConnections }: ResolvedInstance): Promise<TestServer> {
    if (server === undefined) {
      server = await startServer(settings.majorVersion);
      await server.sql("create database kept");
    }
    const wanted = JSON.stringify([settings.parameters, maxConnections]);
    if (wanted !== configured) server = await server.restart({ parameters: settings.parameters, maxConnections });
    configured = wanted;
    return server;
  }

  /** What a real server, started as the spec says, does and says of itself. */
  async function observe(spec: CoreSpec<typeof platforms>, parameters: readonly string[]): Promise<Observed> {
    const environment = resolve(spec, { target: local, platforms });
    const { main } = environment.instances;
    if (main === undefined) throw new TypeError("the spec has no instance main");
    const server = await startAs(main);
    const show = async (name: string) => String((await server.sql(`select setting from pg_settings where name = '${name}'`))[0]?.setting);
    await provision({ environment: environment.name, instance: main }, server.access);
    const secrets = Object.entries(main.tenants).map(async ([name, { secret }]) =>
      (await server.access.store.read(secret)) === null ? null : name,
    );
    return {
      majorVersion: Math.floor(Number(await show("server_version_num")) / 10_000),
      plainTextRefused: await refusesPlainText(server),
      publicAddress: await listensOutside(server.server.port),
      outlivesDeployment: (await server.sql("select 1 from pg_database where datname = 'kept'")).length === 1,
      maxConnections: Number(await show("max_connections")),
      parameters: Object.fromEntries(await Promise.all(parameters.map(async (name) => [name, await show(name)] as const))),
      secrets: (await Promise.all(secrets)).filter((name) => name !== null).sort(),
    };
  }

  const observed = new Map<string, Promise<Observed>>();
  /** Once for each spec: a start takes most of the time. */
  function observeOnce(spec: CoreSpec<typeof platforms>, parameters: readonly string[]): Promise<Observed> {
    const key = JSON.stringify([spec, parameters]);
    const observation = observed.get(key) ?? observe(spec, parameters);
    observed.set(key, observation);
    return observation;
  }

  targetContract({
    observe: observeOnce,
    exceptions: {
      highAvailability: `${ONE_MACHINE} has no second zone; npm start warns of it`,
      readReplicas: `${ONE_MACHINE} shows no replica; npm start warns of it`,
      storageGib: "data lies on the machine's own disk, which nobody makes or sizes",
      maxStorageGib: "data lies on the machine's own disk, which nobody makes or sizes",
      backupRetentionDays: "nothing backs up a machine's databases, as README's limits say",
      backupWindow: "nothing backs up a machine's databases, as README's limits say",
      maintenanceWindow: "PostgreSQL is updated with npm's lock file, not by itself",
      backupReplication: "nothing backs up a machine's databases; npm start warns of it",
      encryptedAtRest: "whether the machine's own disk is encrypted is not this program's to decide",
      allowedSources: "it listens on loopback only, which is asked by publicAddress",
      iamAuthentication: "a machine has no identities of a cloud",
      deletionProtection: "npm start -- --reset asks before it deletes, whatever the spec says; test/infra/lifecycle.test.ts holds that",
      labels: "files and roles carry no labels",
    },
  });
});

async function refusesPlainText({ access }: TestServer): Promise<boolean> {
  const attempt = open({ ...access.server, tls: { mode: "proxy" } }, access.master, "postgres");
  return attempt.then(
    () => false,
    (error: Error) => /no encryption/.test(error.message),
  );
}

/** Whether it answers on an address of this machine that others can reach. */
async function listensOutside(port: number): Promise<boolean> {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => (each ?? []).filter(({ internal }) => !internal));
  const answers = addresses.map(({ address, scopeid }) => answersAt(scopeid ? `${address}%${scopeid}` : address, port));
  return (await Promise.all(answers)).some(Boolean);
}

const answersAt = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 500 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once("connect", () => done(true))
      .once("error", () => done(false))
      .once("timeout", () => done(false));
  });
