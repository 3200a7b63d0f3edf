import { setTimeout as pause } from "node:timers/promises";
import { open, type Server } from "../../../constructs/provisioning/connect";
import type { Credential } from "../../../constructs/provisioning/credential";

/** Writes by this project's own driver or to a platform's own server; prints a worker's number after each write. */

const PAUSE = 200;
const {
  WORKERS,
  STATEMENT = "INSERT INTO public.proof DEFAULT VALUES",
  URL: url,
  BODY: body = "",
  SERVER,
  CREDENTIAL,
  DATABASE = "",
} = process.env;

/** A request that writes something new. */
async function post(): Promise<boolean> {
  const name = `${Date.now()}-${Math.random()}`;
  const response = await fetch(url ?? "", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...JSON.parse(body), name }),
  });
  await response.arrayBuffer();
  return response.ok;
}

/** Writes by one session until it breaks. */
async function* sessions(): AsyncGenerator<boolean> {
  for (;;) {
    try {
      const client = await open(JSON.parse(SERVER ?? "") as Server, JSON.parse(CREDENTIAL ?? "") as Credential, DATABASE);
      for (;;) {
        await client.query(STATEMENT);
        yield true;
      }
    } catch {
      yield false;
    }
  }
}

async function* requests(): AsyncGenerator<boolean> {
  for (;;) yield await post().catch(() => false);
}

async function work(worker: number): Promise<void> {
  for await (const wrote of url === undefined ? sessions() : requests()) {
    if (wrote) process.stdout.write(`${worker}\n`);
    await pause(PAUSE);
  }
}

for (let worker = 0; worker < Number(WORKERS); worker++) void work(worker);
