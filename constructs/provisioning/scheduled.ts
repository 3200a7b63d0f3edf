import type { ServerAccess, TenantLogins } from "./access";
import { byItself } from "./by-itself";
import { type Client, persist } from "./connect";
import { ProvisioningError } from "./errors";
import { withLock } from "./lock";
import { countSessions, renewOther, sayInUse } from "./rotate";

const DAY = 86_400_000;
/** Milliseconds after its due time during which sessions postpone a password's rotation: one turn is skipped, and people have a day to act. */
const GRACE = DAY;

/** Returns when a password is due for rotation, in milliseconds since 1970. */
export const dueAfter = (created: Date, days: number): number => created.getTime() + days * DAY;

/**
 * Checks whether a scheduled rotation may renew a login now. Anyone with a password can keep a session open, so sessions postpone it for only a day.
 *
 * @param due when the password in use is due for rotation, in milliseconds since 1970; infinite if never.
 * @returns the sentence of an alarm if sessions lose their password; null if the login has no sessions.
 * @throws ProvisioningError if it has sessions, until a day after `due`.
 */
export async function admitTurn(client: Client, login: string, due: number): Promise<string | null> {
  const count = await countSessions(client, login);
  if (count === 0) return null;
  const end = due + GRACE;
  if (Date.now() >= end)
    return `${sayInUse(login, count)}; it is rotated anyway, one day after it was due; restart them before they reconnect`;
  const until = Number.isFinite(end) ? `; from ${new Date(end).toISOString().slice(0, 16)}Z on, it is rotated anyway` : "";
  throw new ProvisioningError(`${sayInUse(login, count)}; restart them${until}`);
}

export interface Turns {
  /** When the password of a platform is due, in milliseconds since 1970; null if it has none. */
  due(tenant: TenantLogins): Promise<number | null>;
  rotated(platform: string, login: string): void;
  /** Shows people a sentence about a platform that was rotated anyway. */
  alarm(sentence: string): void;
}

/**
 * Rotates the platforms whose passwords are due, each separately.
 *
 * @param tenants by platform.
 * @throws ProvisioningError: a sentence for each platform that was not rotated, after all others are done.
 */
export async function rotateDue(tenants: Readonly<Record<string, TenantLogins>>, access: ServerAccess, turns: Turns): Promise<void> {
  const problems = await persist(access.server, access.master, "postgres", access.patience, () =>
    withLock(access, async (client) => {
      const found: string[] = [];
      for (const [platform, tenant] of Object.entries(tenants)) {
        const { problem } = await byItself(client, () => takeTurn(client, platform, tenant, access, turns));
        if (problem !== null) found.push(problem);
      }
      return found;
    }),
  );
  if (problems.length > 0) throw new ProvisioningError(problems.join("\n"));
}

async function takeTurn(client: Client, platform: string, tenant: TenantLogins, access: ServerAccess, turns: Turns): Promise<void> {
  const due = await turns.due(tenant);
  if (due === null || Date.now() < due) return;
  let alarm: string | null = null;
  const { current } = await renewOther(client, tenant, access, async (login) => {
    alarm = await admitTurn(client, login, due);
  });
  turns.rotated(platform, current);
  if (alarm !== null) turns.alarm(alarm);
}
