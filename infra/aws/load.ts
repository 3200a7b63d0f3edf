import { aws } from "../../constructs/aws/target";
import { loadEnvironment } from "../load";
import type { AwsEnvironment } from "./environment";

/**
 * An environment for AWS.
 *
 * @throws UserError, SpecError
 */
export const loadAwsEnvironment = (name: string): AwsEnvironment => loadEnvironment(name, aws);
