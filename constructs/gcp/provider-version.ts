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
  if (isOlder(version, OLDEST_PROVIDER))
    throw new UserError(
      `@pulumi/gcp: must be ${OLDEST_PROVIDER} or newer, because older versions ignore changes in the settings of an instance, got ${version}; run npm install @pulumi/gcp@^${OLDEST_PROVIDER}`,
    );
}

function isOlder(version: string, than: string): boolean {
  const [had, needed] = [version, than].map((each) => each.split(/[.-]/).slice(0, 3).map(Number));
  const at = needed?.findIndex((number, index) => number !== had?.[index]) ?? -1;
  return at >= 0 && (had?.[at] ?? 0) < (needed?.[at] ?? 0);
}
