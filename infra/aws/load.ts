import { aws } from "../../constructs/aws/target";
import { UserError } from "../../constructs/model/errors";
import { pathOf } from "../../constructs/model/own-instance";
import { loadEnvironment } from "../load";
import type { AwsEnvironment } from "./environment";

/** Of the 4 KB that a function's variables may have in all, what rotation leaves with every platform. */
const LONGEST_CA = 2_300;

/**
 * An environment for AWS.
 *
 * @throws UserError, SpecError
 */
export function loadAwsEnvironment(name: string): AwsEnvironment {
  const environment = loadEnvironment(name, aws);
  for (const [instance, { settings }] of Object.entries(environment.instances)) {
    const length = settings.existing?.ca?.length ?? 0;
    if (length > LONGEST_CA)
      throw new UserError(
        `${pathOf(environment, `instances.${instance}.existing.ca`)} has ${length} letters, and a function's variables hold ${LONGEST_CA} of it; give the one certificate that signed the server's`,
      );
  }
  return environment;
}
