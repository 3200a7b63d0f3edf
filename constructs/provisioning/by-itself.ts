import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "./connect";
import { explain, isTransient } from "./errors";

/** Tries of one platform's part, while the server itself answers. */
const TRIES = 3;
/** Milliseconds between them. */
const PAUSE = 500;

/**
 * Runs one platform's part of some work, which must not stop the others': what went wrong is returned, a sentence.
 *
 * @param client a session that is not the platform's. If it is broken, too, the trouble is the server's, and is thrown.
 */
export async function byItself(client: Client, run: () => Promise<void>): Promise<string | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      await run();
      return null;
    } catch (error) {
      if (!(await isAlive(client))) throw error;
      if (!isTransient(error) || tries === TRIES) return explain(error, attemptOf(client)).message;
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
