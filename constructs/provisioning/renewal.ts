import type { ServerAccess, TenantLogins } from "./access";
import { revoke } from "./revoke";
import { type Rotated, rotate } from "./rotate";

/** Options of a manual renewal of a platform's password. */
export interface Renewal {
  /** Closes a leak: earlier passwords stop working, and every session ends. */
  readonly revoke: boolean;
  /** Also renews a login that has sessions: they continue, but cannot reconnect. A revocation needs no force. */
  readonly force: boolean;
}

/** What was done. It contains no secret. */
export interface Renewed extends Rotated {
  /** Number of ended sessions; null if none had to end. */
  readonly ended: number | null;
  /** Why the new login does not work yet, a sentence; null if it works. */
  readonly unproved: string | null;
}

/** Gives a platform a new password on request. @throws ProvisioningError */
export async function renew(tenant: TenantLogins, access: ServerAccess, renewal: Renewal): Promise<Renewed> {
  return renewal.revoke ? revoke(tenant, access) : { ...(await rotate(tenant, access, renewal)), ended: null, unproved: null };
}

/** Returns the sentences for a person: what was done, what happened to the previous login, and what does not work. */
export function describeRenewed(platform: string, { current, previous, ended, unproved }: Renewed): readonly string[] {
  const old =
    ended === null ? `${previous} works until the next rotation` : `${previous} can no longer log in; ${ended} of its sessions ended`;
  return [
    `${platform} has a new password, on login ${current}`,
    old,
    ...(unproved === null ? [] : [`The leak is closed. The new login does not work yet: ${unproved}`]),
  ];
}

/** Parses such sentences; null if they have another form, such as those of another version of this program. */
export function readRenewed(sentences: readonly string[]): Renewed | null {
  const find = (pattern: RegExp) => sentences.map((sentence) => pattern.exec(sentence)).find((match) => match !== null) ?? [];
  const [, current] = find(/ has a new password, on login (\S+)$/);
  const [, kept] = find(/^(\S+) works until the next rotation$/);
  const [, revoked, ended = "0"] = find(/^(\S+) can no longer log in; (\d+) of its sessions ended$/);
  const [, unproved = null] = find(/^The leak is closed\. The new login does not work yet: (.*)$/s);
  const previous = kept ?? revoked;
  if (current === undefined || previous === undefined) return null;
  return { current, previous, ended: revoked === undefined ? null : Number(ended), unproved };
}
