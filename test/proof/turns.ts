import "../../infra/docs/script";

import { SecretsManagerDouble } from "../fixtures/secrets-manager";
import { startServer } from "../fixtures/server";
import { HAPPENINGS, type Happening, STEPS, Turn } from "../fixtures/turns";
import { inTurn, type Undo } from "./in-turn";

/** Rotations of one platform before another is made: its old versions are tried after each step. */
const ROTATIONS = 10;

/** Every two happenings, before every two steps of a scheduled rotation on AWS. */
export const PAIRS: readonly Readonly<Record<number, readonly Happening[]>>[] = [...STEPS, "end"].flatMap((_step, first) =>
  [...STEPS, "end"].flatMap((_other, second) =>
    second < first
      ? []
      : HAPPENINGS.flatMap((one) =>
          HAPPENINGS.map((two) => (first === second ? { [first]: [one, two] } : { [first]: [one], [second]: [two] })),
        ),
  ),
);

/**
 * Plays each pair with the real handlers. After every step the current version logs in as the owner, the version before is of the other
 * login, and nothing works that was revoked.
 */
export async function playPairs(undo: Undo): Promise<string> {
  const secrets = await SecretsManagerDouble.start();
  undo.push(() => secrets.stop());
  const server = await startServer();
  undo.push(() => server.stop());
  const master = secrets.create("master");
  secrets.begin(master, "first", "AWSCURRENT", JSON.stringify(server.access.master));
  const task = { environment: "test", host: "localhost", port: server.server.port, masterSecret: master };
  Object.assign(process.env, secrets.environment, { TASK: JSON.stringify(task) });
  console.log = () => undefined;
  let refusals = 0;
  let turn = new Turn("turn0", server, secrets);
  await turn.provision();
  for (const [index, pair] of PAIRS.entries()) {
    if (index % ROTATIONS === 0) {
      refusals += turn.refusals.length;
      turn = new Turn(`turn${index + 1}`, server, secrets);
      await turn.provision();
    }
    try {
      await turn.play(pair);
      const { changes } = await turn.provision();
      if (changes.length > 0) throw new Error(`provisioning had to change: ${changes.map(({ why }) => why).join("; ")}`);
    } catch (error) {
      throw new Error(`${JSON.stringify(pair)}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return `${PAIRS.length} rotations; ${refusals + turn.refusals.length} steps refused to go on, each with a sentence; nobody was out, nothing revoked worked`;
}

if (require.main === module)
  void inTurn((prove, undo) =>
    prove("on AWS, a scheduled rotation bears any two of: provisioning, a rotation by hand, a revocation, another rotation", () =>
      playPairs(undo),
    ),
  );
