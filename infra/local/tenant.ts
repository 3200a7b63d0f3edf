import { UserError } from "../../constructs/model/errors";
import type { Tenant } from "../../constructs/model/spec";
import { suggest } from "../../constructs/model/suggest";
import type { Running, Session } from "./session";

/** A platform's part of its instance. */
export function tenantOf(session: Session, platform: string): { readonly running: Running; readonly tenant: Tenant } {
  for (const running of session.instances) {
    const tenant = running.scope.instance.tenants[platform];
    if (tenant !== undefined) return { running, tenant };
  }
  const { environment } = session;
  throw new UserError(
    `environment ${environment.name} has no platform ${platform}; ${suggest(platform, Object.keys(environment.platforms))}`,
  );
}
