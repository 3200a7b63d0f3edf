import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** One process at a time starts and stops the servers of a directory; others are its guests. */
export type Ownership<T> =
  | {
      readonly role: "owner";
      readonly publish: (info: T) => void;
      /** Resolves when no guest remains. */
      readonly alone: () => Promise<void>;
      /** Disconnects guests, and makes new ones wait for the release. */
      readonly retire: () => void;
      readonly release: () => void;
    }
  | {
      readonly role: "guest";
      readonly info: T;
      /** Tells the owner that it is no longer needed. */
      readonly leave: () => void;
      /** Resolves when the owner has ended. */
      readonly ownerEnded: Promise<void>;
    };

/** Milliseconds of waiting after which a message is shown. */
const NOTICE = 1_000;

/**
 * Takes ownership of a directory, or waits for the information that its owner publishes.
 *
 * The lock is a socket that the owner listens on: the operating system closes it however the owner ends, so it cannot become stale, and no
 * process ID can be mistaken for another's.
 *
 * @param onWait called once if it takes long.
 */
export async function own<T>(directory: string, onWait: () => void = () => undefined): Promise<Ownership<T>> {
  const address = addressOf(directory);
  const notice = setTimeout(onWait, NOTICE);
  try {
    for (;;) {
      const server = await listen(address);
      if (server !== null) return owner(server);
      const answer = await ask<T>(address);
      if (typeof answer === "object") return answer;
      // Nobody listens: the file that a killed owner left behind. (Linux has no such file.)
      if (answer === "refused") await rm(address, { force: true });
      await pause(50);
    }
  } finally {
    clearTimeout(notice);
  }
}

/** Runs something while no other process runs the same for this directory. */
export async function alone<T>(directory: string, run: () => Promise<T>): Promise<T> {
  // An owner that publishes nothing has no guests: they wait, and take over.
  const ownership = await own<never>(directory);
  if (ownership.role === "guest") throw new TypeError(`${directory} is published`);
  return run().finally(ownership.release);
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
  let published: (line: string) => void = () => undefined;
  const line = new Promise<string>((resolve) => {
    published = resolve;
  });
  const guests = new Set<Socket>();
  let isRetired = false;
  const dismiss = () => {
    for (const guest of guests) guest.destroy();
  };
  server.on("connection", (socket) => {
    guests.add(socket);
    socket.on("close", () => guests.delete(socket)).on("error", () => undefined);
    void line.then((info) => isRetired || socket.write(info));
  });
  // The lock must not keep a process alive that has nothing else to do.
  server.unref();
  return {
    role: "owner",
    publish: (info) => published(`${JSON.stringify(info)}\n`),
    alone: async () => {
      while (guests.size > 0) await pause(50);
    },
    retire: () => {
      isRetired = true;
      dismiss();
    },
    release: () => {
      server.close();
      dismiss();
    },
  };
}

function ask<T>(address: string): Promise<Ownership<T> | "refused" | "gone"> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const ownerEnded = new Promise<void>((done) => void socket.once("close", () => done()));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.endsWith("\n")) return;
      socket.unref();
      resolve({ role: "guest", info: JSON.parse(text) as T, leave: () => void socket.destroy(), ownerEnded });
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED" ? "refused" : "gone"));
    socket.once("close", () => resolve("gone"));
  });
}
