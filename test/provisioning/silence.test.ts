import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { type Bounds, watch } from "../../constructs/provisioning/silence";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A system that takes calls, and a program that never writes a word. */
async function listen(): Promise<Server> {
  const server = createServer((stream) => closing.push(() => stream.destroy())).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function open(port: number): Promise<Socket> {
  const stream = connect(port, "127.0.0.1");
  closing.push(() => stream.destroy());
  await once(stream, "connect");
  stream.resume();
  return stream;
}

/** Blocks a thread until somebody wakes it, writes to its session then, and blocks again. Its system answers no call once its queue is full. */
const HANGING = `
const { parentPort, workerData } = require("node:worker_threads");
const bell = new Int32Array(workerData);
const server = require("node:net").createServer((stream) => {
  stream.write("welcome");
  for (;;) {
    Atomics.wait(bell, 0, 0);
    Atomics.store(bell, 0, 0);
    stream.write("word");
  }
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => parentPort.postMessage(server.address().port));
`;

/** A session of a server whose system answers no further call, and what lets the server write a word. */
async function openHanging(): Promise<{ readonly stream: Socket; readonly write: () => void }> {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(HANGING, { eval: true, workerData: bell.buffer });
  closing.push(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const stream = await open(port);
  await once(stream, "data");
  // The queue takes one call more than it was given.
  for (let waiting = 0; waiting < 2; waiting++) await open(port);
  return {
    stream,
    write: () => {
      Atomics.store(bell, 0, 1);
      Atomics.notify(bell, 0);
    },
  };
}

/** How many calls wait for an answer. */
const calls = (): number => process.getActiveResourcesInfo().filter((name) => name === "ConnectWrap").length;

const SHORT: Bounds = { silence: 20, answer: 50 };
/** No test waits for it. */
const LONG: Bounds = { silence: 20, answer: 600_000 };
const always = () => true;

describe("a session whose server says nothing", () => {
  it("ends if the server's system does not answer either", async () => {
    const { stream } = await openHanging();
    watch(stream, always, SHORT);
    const [error] = (await once(stream, "error")) as [NodeJS.ErrnoException];
    expect([error.code, stream.destroyed]).toEqual(["ETIMEDOUT", true]);
  });

  it("goes on while the server's system answers", async () => {
    const server = await listen();
    const stream = await open(portOf(server));
    watch(stream, always, LONG);
    for (let answered = 0; answered < 3; answered++) await once(server, "connection");
    expect(stream.destroyed).toBe(false);
  });

  it("goes on if the server's system rejects the call", async () => {
    const server = await listen();
    const stream = await open(portOf(server));
    server.close();
    watch(stream, always, LONG);
    for (let asked = 0; asked < 3; asked++) await once(stream, "timeout");
    expect(stream.destroyed).toBe(false);
  });

  it("goes on if it gets a word while the server's system does not answer", async () => {
    const { stream, write } = await openHanging();
    let isWaiting = true;
    watch(stream, () => isWaiting, LONG);
    await once(stream, "timeout");
    expect(calls()).toBe(1);
    write();
    await once(stream, "data");
    isWaiting = false;
    await expect.poll(calls).toBe(0);
    expect(stream.destroyed).toBe(false);
  });

  it("goes on if the answer came while this process was halted", async () => {
    const server = await listen();
    const stream = await open(portOf(server));
    watch(stream, always, { ...LONG, silence: LONG.answer, answer: SHORT.answer });
    // Between two looks at the network, of which the second comes after the timers that are over by then.
    await turn();
    stream.emit("timeout");
    await new Promise(process.nextTick);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * SHORT.answer);
    await once(server, "connection");
    await expect.poll(calls).toBe(0);
    expect(stream.destroyed).toBe(false);
  });

  it("goes on if this process has no handle for the call", async () => {
    const server = await listen();
    const program = [process.execPath, "--require", "tsx/cjs", join(__dirname, "silence", "out-of-handles.ts"), String(portOf(server))];
    const { stdout } = await promisify(execFile)("sh", ["-c", 'ulimit -n 64; exec "$@"', "sh", ...program]);
    expect(stdout.trim().split("\n")).toEqual(["EMFILE", "still there"]);
  });

  it("is asked about only while it waits for an answer, and leaves nothing behind when it ends", async () => {
    const { stream } = await openHanging();
    let isWaiting = false;
    watch(stream, () => isWaiting, LONG);
    await once(stream, "timeout");
    await turn();
    expect(calls()).toBe(0);
    isWaiting = true;
    stream.write("statement");
    await once(stream, "timeout");
    expect(calls()).toBe(1);
    stream.destroy();
    await expect.poll(calls).toBe(0);
  });
});
