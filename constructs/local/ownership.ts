import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** One process at a time starts and stops the servers of a directory; others are its guests. */
export type Ownership<T> =
  | { readonly role: "owner"; readonly publish: (info: T) => void; readonly release: () => Promise<void> }
  | { readonly role: "guest"; readonly info: T };

/**
 * Takes a directory, or asks its owner for what it published, waiting until it has.
 *
 * The lock is a socket that the owner listens on: the system closes it however the owner ends, so it cannot go stale, and no process
 * number can be mistaken for another's.
 */
export async function own<T>(directory: string): Promise<Ownership<T>> {
  const address = addressOf(directory);
  for (;;) {
    const server = await listen(address);
    if (server !== null) return owner(server);
    const answer = await ask(address);
    if (answer.kind === "published") return { role: "guest", info: JSON.parse(answer.text) as T };
    // Nobody listens: the file that a killed owner left behind. (Linux has no such file.)
    if (answer.kind === "refused") await rm(address, { force: true });
    await pause(50);
  }
}

function addressOf(directory: string): string {
  const name = `platform-postgres-${createHash("sha256").update(directory).digest("hex").slice(0, 24)}`;
  // A name that starts with a zero byte is in Linux's abstract namespace: it has no file.
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);
}

function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(null) : reject(error)));
    server.listen(address, () => resolve(server));
  });
}

function owner<T>(server: Server): Ownership<T> {
  let published: (text: string) => void = () => undefined;
  const text = new Promise<string>((resolve) => {
    published = resolve;
  });
  const guests = new Set<Socket>();
  server.on("connection", (socket) => {
    guests.add(socket.on("close", () => guests.delete(socket)).on("error", () => undefined));
    void text.then((info) => socket.end(info));
  });
  // The lock must not keep a process alive that has nothing else to do.
  server.unref();
  return {
    role: "owner",
    publish: (info) => published(JSON.stringify(info)),
    release: () => {
      // Guests of an owner that failed take over.
      for (const guest of guests) guest.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

type Answer = { readonly kind: "published"; readonly text: string } | { readonly kind: "refused" } | { readonly kind: "gone" };

function ask(address: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve({ kind: error.code === "ECONNREFUSED" ? "refused" : "gone" }));
    socket.once("close", () => resolve(text === "" ? { kind: "gone" } : { kind: "published", text }));
  });
}
