import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "./connect";
import { explain, isTransient } from "./errors";

/** Tries of one platform's part while the server itself responds. */
const TRIES = 3;
/** Milliseconds between them. */
const PAUSE = 500;

/** The result of one platform's part of some work, or a sentence about the problem. */
export type Part<T> = { readonly value: T; readonly problem: null } | { readonly value: null; readonly problem: string };

/**
 * Runs one platform's part of some work. Returns a problem instead of throwing it, so that the other platforms continue.
 *
 * @param client a session that is not the platform's. If it is also broken, the problem is the server's, and is thrown.
 * @param run is retried after transient errors: each try must tolerate the work of the previous one.
 */
export async function byItself<T>(client: Client, run: (isFirst: boolean) => Promise<T>): Promise<Part<T>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { value: await run(tries === 1), problem: null };
    } catch (error) {
      if (!(await isAlive(client))) throw error;
      if (!isTransient(error) || tries === TRIES) return { value: null, problem: explain(error, attemptOf(client)).message };
      await pause(PAUSE);
    }
  }
}

const attemptOf = ({ host, port, user = "", database = "" }: Client) => ({ host, port, username: user, database });

const isAlive = (client: Client): Promise<boolean> =>
  client.query("select 1").then(
    () => true,
    () => false,
  );
