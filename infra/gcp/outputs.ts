import type { Outputs } from "../../constructs/gcp/parts/outputs";
import { isObject } from "../../constructs/model/json";
import { freeName, pulumiCommand } from "../command-line";
import { readOutputsFile, refuseOutputs } from "../outputs";

/** Default name of the file with the outputs. */
export const OUTPUTS_FILE = "outputs.json";

/** The command that writes the outputs of an environment to a file. */
export const outputsCommand = (environment: string, file: string): string =>
  pulumiCommand(["stack", "output", "--json"], environment, file);

/** Reads the output of `pulumi stack output --json`. @throws UserError */
export function readOutputs(environment: string, path: string): Outputs {
  const write = (file: string) => `run ${outputsCommand(environment, file)}`;
  const file = { path, write: write(path), again: write(freeName(OUTPUTS_FILE)) };
  const content = readOutputsFile(file);
  const outputs = isObject(content) ? (content as Partial<Outputs>) : {};
  if (!isObject(outputs.instances) || !isObject(outputs.platforms)) throw refuseOutputs(file, "has no outputs of this project");
  if (outputs.environment !== environment) throw refuseOutputs(file, `is of environment ${outputs.environment}, not of ${environment}`);
  return outputs as Outputs;
}
