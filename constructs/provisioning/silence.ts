import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { SILENT_SECONDS, UNACKNOWLEDGED_SECONDS } from "../model/dead-connections";

/** In milliseconds. */
export interface Bounds {
  /** Silence after which the server's system is asked whether it is still there. */
  readonly silence: number;
  /** How long it may be out of reach then. */
  readonly answer: number;
}

/** Milliseconds of silence after which the system, and `watch`, ask. */
export const SILENCE = SILENT_SECONDS * 1000;
const BOUNDS: Bounds = { silence: SILENCE, answer: UNACKNOWLEDGED_SECONDS * 1000 - SILENCE };
/** Milliseconds until an address that the network calls unreachable is tried again. */
const RETRY = 1_000;

/** Codes of an address that is out of reach. Others come from its system (`ECONNREFUSED`), or are about this process alone (`EMFILE`). */
const UNREACHABLE = ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Ends a session whose server has gone without a word. Node cannot bound how long sent data waits for an acknowledgement, and a silent
 * server may just be busy: so the address that the session has is dialled after each silence, and a busy server's system takes the call.
 * An idle session waits for nothing: its next statement starts the time again.
 *
 * @param stream that is connected. One of a socket's file is left alone: its server is this machine.
 * @param isWaiting whether the session expects an answer.
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

/** The last error if an address is out of reach for so many milliseconds; null if its system answers, if nobody can know, or when stopped. */
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

/** Resolves with null once an address has taken a call, else with the error. */
const dial = (to: Address, milliseconds: number, stopped: AbortSignal): Promise<NodeJS.ErrnoException | null> =>
  new Promise((resolve) => {
    const call = connect({ ...to, signal: stopped });
    // An answer that came while this process was busy or paused is read after its timers.
    const giveUp = () => setImmediate(() => call.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    const timer = setTimeout(giveUp, milliseconds);
    call.once("connect", () => call.destroy());
    call.once("error", resolve);
    call.once("close", () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
