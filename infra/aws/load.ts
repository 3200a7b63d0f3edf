import { missingKubectl } from "../../constructs/aws/kubectl-layer";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { aws } from "../../constructs/aws/target";
import type { Violation } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { loadEnvironment } from "../load";
import type { NamedSpec } from "../spec";

/**
 * Loads an environment for AWS.
 *
 * @throws UserError, SpecError
 */
export const loadAwsEnvironment = (name: string): AwsEnvironment => loadEnvironment(name, aws);

/**
 * Loads an environment for AWS in order to synthesize it, which needs a package with kubectl if it installs releases.
 *
 * @throws UserError, SpecError
 */
export const loadAwsEnvironmentToSynthesize = (name: string): AwsEnvironment => loadEnvironment(name, aws, checkPackages);

function checkPackages({ aws: section }: NamedSpec): readonly Violation[] {
  const cluster = isObject(section) ? section.cluster : null;
  const missing = isObject(cluster) && cluster.installReleases !== false ? missingKubectl() : null;
  return missing === null ? [] : [missing];
}
