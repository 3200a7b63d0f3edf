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

const ONE_MACHINE = "one machine has one zone, one disk and no network in between";

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
      highAvailability: ONE_MACHINE,
      readReplicas: ONE_MACHINE,
      storageGib: ONE_MACHINE,
      maxStorageGib: ONE_MACHINE,
      backupRetentionDays: "nothing backs it up",
      backupWindow: "nothing backs it up",
      maintenanceWindow: "npm ci updates it",
      backupReplication: "nothing backs it up",
      encryptedAtRest: "the disk is the user's",
      allowedSources: "it listens on loopback only",
      iamAuthentication: "there is no identity of a cloud",
      deletionProtection: "npm start -- --reset asks before it deletes",
      labels: "nothing shows them",
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
