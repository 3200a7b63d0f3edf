import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { aws } from "../../constructs/aws/target";
import { loadEnvironment } from "../load";

/**
 * Loads an environment for AWS.
 *
 * @throws UserError, SpecError
 */
export const loadAwsEnvironment = (name: string): AwsEnvironment => loadEnvironment(name, aws);
