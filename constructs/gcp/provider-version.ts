import { isOlder } from "../kubernetes/operators";
import { UserError } from "../model/errors";

/**
 * The oldest `@pulumi/gcp` that changes an instance: 9.35.0 to 9.36.0 ignore every change in its settings, and report success.
 *
 * https://github.com/pulumi/pulumi-gcp/issues/3988
 */
export const OLDEST_PROVIDER = "9.36.1";

/** @throws UserError if the installed `@pulumi/gcp` is too old. */
export function checkProvider(): void {
  const { version } = require("@pulumi/gcp/package.json") as { readonly version: string };
  const problem = refuseProvider(version);
  if (problem !== null) throw new UserError(problem);
}

/** Returns why a version of `@pulumi/gcp` cannot be used, or null if it can. */
export function refuseProvider(version: string): string | null {
  if (!isOlder(version, OLDEST_PROVIDER)) return null;
  return `@pulumi/gcp: must be ${OLDEST_PROVIDER} or newer, because older versions ignore changes in the settings of an instance, got ${version}; run npm install @pulumi/gcp@^${OLDEST_PROVIDER}`;
}
