import { roleNames } from "../model/names";
import type { Tenant } from "../model/spec";
import type { ServerAccess } from "./access";
import { type Client, persist } from "./connect";
import { ProvisioningError } from "./errors";
import { withLock } from "./lock";
import { ownerComment } from "./plan";
import { shut } from "./revoke";

/** A platform that was removed from the spec. */
export interface Left {
  readonly owner: string;
  /** Logins that still work. */
  readonly logins: readonly string[];
}

/** A platform has no logins to close on a server. */
export class NothingToClose extends ProvisioningError {}

const OWNER = "_owner";

/** Returns the platform that an owner role was created for, derived from its name: hyphens became underscores. */
export const toPlatform = (owner: string): string => owner.slice(0, -OWNER.length).replaceAll("_", "-");

/** Returns platforms of an environment that the spec no longer has, but whose logins still work. */
export async function findLeft(client: Client, environment: string, tenants: readonly Pick<Tenant, "owner">[]): Promise<readonly Left[]> {
  const { rows } = await client.query<Left>(
    `select o.rolname as owner, array_agg(l.rolname::text order by l.rolname) as logins
       from pg_roles o join pg_auth_members m on m.roleid = o.oid join pg_roles l on l.oid = m.member
      where shobj_description(o.oid, 'pg_authid') = $1 and o.rolname <> all($2) and l.rolcanlogin
        and l.rolname in (left(o.rolname, -${OWNER.length}) || '_a', left(o.rolname, -${OWNER.length}) || '_b')
      group by 1 order by 1`,
    [ownerComment(environment), tenants.map(({ owner }) => owner)],
  );
  return rows;
}

/**
 * Closes the logins of a platform that was removed from the spec, and ends their sessions. Its databases and its secret are kept.
 *
 * @returns how many sessions were ended.
 * @throws NothingToClose if the platform is in the spec, or has no logins of this environment; ProvisioningError
 */
export async function closePlatform(
  platform: string,
  environment: string,
  tenants: readonly Pick<Tenant, "owner">[],
  access: ServerAccess,
): Promise<number> {
  const { owner, logins } = roleNames(platform);
  return persist(access.server, access.master, "postgres", access.patience, () =>
    withLock(access, async (client) => {
      const left = await findLeft(client, environment, tenants);
      if (!left.some((each) => each.owner === owner)) {
        const known = left.map((each) => toPlatform(each.owner)).join(", ");
        throw new NothingToClose(
          `${platform} has no logins to close: it is in the spec, or was never provisioned here${known === "" ? "" : `; removed from the spec: ${known}`}`,
        );
      }
      return shut({ logins: logins.map((name) => ({ name })) }, access);
    }),
  );
}
