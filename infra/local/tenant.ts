import { UserError } from "../../constructs/model/errors";
import type { Tenant } from "../../constructs/model/spec";
import { suggest } from "../../constructs/model/suggest";
import type { ServerAccess } from "../../constructs/provisioning/access";
import type { Versions } from "../../constructs/provisioning/secret-store";
import type { ProjectEnvironment } from "../load";
import type { ReachableInstance, Session } from "./session";

/** A platform's part of an instance. */
export interface Located {
  readonly instance: string;
  readonly tenant: Tenant;
}

/** Finds a platform's databases, before any server is started. @throws UserError if the environment has no such platform. */
export function locate(environment: ProjectEnvironment, platform: string): Located {
  for (const [instance, { tenants }] of Object.entries(environment.instances)) {
    const tenant = Object.hasOwn(tenants, platform) ? tenants[platform] : undefined;
    if (tenant !== undefined) return { instance, tenant };
  }
  throw new UserError(
    `environment ${environment.name} has no platform ${platform}; ${suggest(platform, Object.keys(environment.platforms))}`,
  );
}

/** Returns a platform's passwords. @throws UserError if its secret is empty. */
export async function passwordsOf(
  platform: string,
  tenant: Tenant,
  { store, provision }: Pick<ServerAccess, "store" | "provision">,
): Promise<Versions> {
  const versions = await store.read(tenant.secret);
  if (versions === null) throw new UserError(`${platform} has no password yet; ${provision}`);
  return versions;
}

/** An instance of a session by its name. */
export function instanceOf({ instances }: Session, name: string): ReachableInstance {
  const found = instances.find((instance) => instance.name === name);
  if (found === undefined) throw new TypeError(`no instance ${name}`);
  return found;
}
