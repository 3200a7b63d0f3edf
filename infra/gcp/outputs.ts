import { isObject } from "../../constructs/model/json";
import type { Listener } from "../../constructs/model/platform";
import { freeName, pulumiCommand } from "../command-line";
import { readOutputsFile, refuseOutputs } from "../outputs";

/** Usual name of the file with the outputs. */
export const OUTPUTS_FILE = "outputs.json";

/** What the program prints of an environment. No secret is in it. */
export interface Outputs {
  readonly environment: string;
  readonly instances: Readonly<
    Record<
      string,
      {
        readonly host: string;
        readonly port: number;
        /** PEM text. */
        readonly ca: string;
        /** `project:region:instance`; null where it is no Cloud SQL. */
        readonly connectionName: string | null;
        /** The first read replica; left out if there is none, and by earlier versions. */
        readonly reader?: Listener & { readonly connectionName: string };
        /** Whole name of the master's secret. */
        readonly masterSecret: string;
        /** The CronJob that rotates passwords; null without a cluster, left out by earlier versions. */
        readonly rotation?: RotationCronJob | null;
      }
    >
  >;
  /** Whole names of the platforms' secrets. */
  readonly platforms: Readonly<Record<string, { readonly secret: string }>>;
}

/** In the environment's cluster. */
export interface RotationCronJob {
  readonly namespace: string;
  readonly cronJob: string;
}

/** The command that writes the outputs of an environment into a file. */
export const outputsCommand = (environment: string, file: string): string =>
  pulumiCommand(["stack", "output", "--json"], environment, file);

/** Reads what `pulumi stack output --json` has printed. @throws UserError */
export function readOutputs(environment: string, path: string): Outputs {
  const write = (file: string) => `run ${outputsCommand(environment, file)}`;
  const file = { path, write: write(path), again: write(freeName(OUTPUTS_FILE)) };
  const content = readOutputsFile(file);
  const outputs = isObject(content) ? (content as Partial<Outputs>) : {};
  if (!isObject(outputs.instances) || !isObject(outputs.platforms)) throw refuseOutputs(file, "has no outputs of this project");
  if (outputs.environment !== environment) throw refuseOutputs(file, `is of environment ${outputs.environment}, not of ${environment}`);
  return outputs as Outputs;
}
