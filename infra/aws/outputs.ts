import { stackName } from "../../constructs/aws/stacks/aws-environment";
import { innerOutput, type Outputs, ROTATION } from "../../constructs/aws/stacks/outputs";
import { isObject } from "../../constructs/model/json";
import { cdkDeploy, freeName } from "../command-line";
import { parseOutput, readOutputsFile, refuseOutputs } from "../outputs";

/** Default name of the file with the outputs. */
export const OUTPUTS_FILE = "cdk-outputs.json";

/** Reads the file of `cdk deploy --all --outputs-file FILE`. @throws UserError */
export function readOutputs(environment: string, path: string): Outputs {
  const write = (file: string) => `run ${cdkDeploy(environment, file)}`;
  const file = { path, write: write(path), again: write(freeName(OUTPUTS_FILE)) };
  const stack = stackName(environment, "access");
  const content = readOutputsFile(file);
  const outputs = isObject(content) ? content[stack] : null;
  const read = <T>(output: string): T => {
    const value = isObject(outputs) ? outputs[output] : null;
    const parsed = typeof value === "string" ? parseOutput(value, file) : null;
    if (!isObject(parsed)) throw refuseOutputs(file, `has no output ${output} of stack ${stack}`);
    return parsed as T;
  };
  const instances = read<Outputs["instances"]>("Instances");
  const inner = Object.keys(instances).flatMap((name) => (isObject(outputs) && innerOutput(name) in outputs ? [innerOutput(name)] : []));
  const platforms = ["Platforms", ...inner].map((output) => read<Outputs["platforms"]>(output));
  const rotation = isObject(outputs) && ROTATION in outputs ? read<NonNullable<Outputs["rotation"]>>(ROTATION) : null;
  return { instances, platforms: Object.assign({}, ...platforms), rotation };
}
