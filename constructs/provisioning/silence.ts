import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { SILENT_SECONDS, UNACKNOWLEDGED_SECONDS } from "../model/dead-connections";

/** In milliseconds. */
export interface Bounds {
  /** Silence after which the server's operating system is probed. */
  readonly silence: number;
  /** How long it may then be unreachable. */
  readonly answer: number;
}

/** Milliseconds of silence after which the operating system and `watch` probe. */
export const SILENCE = SILENT_SECONDS * 1000;
const BOUNDS: Bounds = { silence: SILENCE, answer: UNACKNOWLEDGED_SECONDS * 1000 - SILENCE };
/** Milliseconds until an unreachable address is tried again. */
const RETRY = 1_000;

/** Error codes of an unreachable address. Others come from its operating system (`ECONNREFUSED`), or concern only this process (`EMFILE`). */
const UNREACHABLE = ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Ends a session whose server has silently disappeared. Node cannot limit how long sent data waits for an acknowledgement, and a silent
 * server may just be busy: so each silence opens a test connection to the session's address, which a busy server's operating system
 * accepts. An idle session waits for nothing: its next statement starts the time again.
 *
 * @param stream that is connected. One of a socket file is ignored: its server is this machine.
 * @param isWaiting whether the session expects a response.
 */
export function watch(stream: Socket, isWaiting: () => boolean, { silence, answer } = BOUNDS): void {
  const { remoteAddress: host, remotePort: port } = stream;
  if (host === undefined || port === undefined) return;
  stream.setTimeout(silence);
  stream.on("timeout", () => {
    if (!isWaiting()) return;
    const heard = new AbortController();
    const stop = () => heard.abort();
    stream.once("data", stop).once("close", stop);
    void findLoss({ host, port }, answer, heard.signal).then((loss) => {
      stream.off("data", stop).off("close", stop);
      if (loss !== null) stream.destroy(loss);
      else if (!stream.destroyed) stream.setTimeout(silence);
    });
  });
}

/** Returns the last error if an address is unreachable for so many milliseconds; null if its operating system responds, if unknown, or when stopped. */
async function findLoss(to: Address, milliseconds: number, stopped: AbortSignal): Promise<Error | null> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const error = await dial(to, end - performance.now(), stopped);
    if (error === null || !UNREACHABLE.includes(error.code ?? "")) return null;
    const left = end - performance.now();
    if (left <= 0) return error;
    await pause(Math.min(left, RETRY), undefined, { signal: stopped }).catch(() => undefined);
  }
}

/** Resolves with null once an address accepts a connection, otherwise with the error. */
const dial = (to: Address, milliseconds: number, stopped: AbortSignal): Promise<NodeJS.ErrnoException | null> =>
  new Promise((resolve) => {
    const call = connect({ ...to, signal: stopped });
    // A response that arrived while this process was busy or paused is read after its timers.
    const giveUp = () => setImmediate(() => call.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    const timer = setTimeout(giveUp, milliseconds);
    call.once("connect", () => call.destroy());
    call.once("error", resolve);
    call.once("close", () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
