import { setTimeout as pause } from "node:timers/promises";
import postgres from "postgres";
import { type Client, close, open } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";
import { provision } from "../../../constructs/provisioning/provision";
import { rotate } from "../../../constructs/provisioning/rotate";
import { scopeWith, type TestServer } from "../../fixtures/server";
import { tenant, versionsOf } from "../../fixtures/tenants";
import { problemOf, type Row, seconds } from "./row";

/** A connection of a pod. */
interface Connection {
  readonly transact: () => Promise<void>;
  readonly end: () => Promise<void>;
}
type Connect = (server: TestServer, credential: Credential) => Promise<Connection>;

const byPg: Connect = async (server, credential) => {
  const client: Client = await open(server.access.server, credential, "busy");
  return {
    transact: async () => {
      await client.query("begin");
      await client.query("insert into public.done values (current_user)");
      await client.query("commit");
    },
    end: () => close(client),
  };
};

const byPostgres: Connect = async (server, { username, password }) => {
  const { port } = server.server;
  const ssl = { ca: server.ca.certificate };
  const sql = postgres({ host: "localhost", port, database: "busy", username, password, ssl, max: 1, fetch_types: false });
  return {
    transact: async () => {
      await sql.begin((inside) => inside`insert into public.done values (current_user)`);
    },
    end: () => sql.end({ timeout: 5 }),
  };
};

const DRIVERS: Readonly<Record<string, Connect>> = { pg: byPg, postgres: byPostgres };
const CLIENTS = 50;
/** Transactions after which a client looks at its secret, as a pod does whose volume was renewed. */
const EVERY = 3;
/** Milliseconds between two transactions of a client. */
const THINK = 80;

/** Rotates while clients of two drivers write, and follow their secret. */
export async function proveRotations(server: TestServer, rounds: number, isProvisioned: boolean): Promise<Row> {
  const logins = ["busy_a", "busy_b"].map((name) => ({ name, connectionLimit: 2 * CLIENTS + 20 })) as never;
  const its = tenant("busy", { logins });
  const scope = scopeWith({ busy: its });
  await provision(scope, server.access);
  const { store } = server.access;
  const first = await open(server.access.server, (await versionsOf(store, its.secret)).current, "busy");
  await first.query("create table if not exists public.done (login text)");
  await close(first);

  const failures: string[] = [];
  let isOver = false;
  let done = 0;
  const client = async (driver: string, connect: Connect) => {
    let credential = (await versionsOf(store, its.secret)).current;
    let connection = await connect(server, credential);
    for (let count = 1; !isOver; count++) {
      try {
        await connection.transact();
        done++;
        const now = count % EVERY === 0 ? (await versionsOf(store, its.secret)).current : credential;
        if (now.password !== credential.password) {
          await connection.end();
          credential = now;
          connection = await connect(server, credential);
        }
      } catch (error) {
        failures.push(`${driver}: ${(error as Error).message}`);
        await pause(100);
        connection = await connect(server, (await versionsOf(store, its.secret)).current).catch(() => connection);
      }
      await pause(THINK);
    }
    await connection.end();
  };
  const clients = Object.entries(DRIVERS).flatMap(([driver, connect]) => Array.from({ length: CLIENTS }, () => client(driver, connect)));
  let provisioned = 0;
  const provisioning = (async () => {
    while (isProvisioned && !isOver) {
      const { changes } = await provision(scope, server.access);
      if (changes.length > 0) failures.push(`provisioning changed ${changes.map(({ why }) => why).join(", ")}`);
      provisioned++;
    }
  })();
  const start = performance.now();
  let refused = 0;
  for (let round = 0; round < rounds; ) {
    try {
      await rotate(its, server.access, { force: false });
      round++;
    } catch (error) {
      // Clients of the login that is renewed have not read the secret yet.
      if (!/still has \d+ sessions/.test((error as Error).message)) throw error;
      refused++;
    }
    await pause(100);
  }
  isOver = true;
  await Promise.all([...clients, provisioning]);
  const besides = isProvisioned ? `; provisioned ${provisioned} times meanwhile` : "";
  return {
    kind: `rotations with ${CLIENTS} clients each on ${Object.keys(DRIVERS).join(" and ")}${isProvisioned ? ", and provisioning" : ""}`,
    tries: rounds,
    shown: `${failures.length} of ${done} transactions failed in ${seconds(performance.now() - start)}; waited ${refused} times for clients${besides}`,
    problem: problemOf(failures),
  };
}
