import { readFileSync } from "node:fs";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { freeName, fromUser, pulumiCommand } from "../command-line";

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
        /** Whole name of the master's secret. */
        readonly masterSecret: string;
      }
    >
  >;
  /** Whole names of the platforms' secrets. */
  readonly platforms: Readonly<Record<string, { readonly secret: string }>>;
}

/** The command that writes the outputs of an environment into a file. */
export const outputsCommand = (environment: string, file: string): string =>
  pulumiCommand(["stack", "output", "--json"], environment, file);

/** Reads what `pulumi stack output --json` has printed. @throws UserError */
export function readOutputs(environment: string, file: string): Outputs {
  // What the file has may be anything: it is not written over.
  const again = `run ${outputsCommand(environment, freeName("outputs.json"))}`;
  const content = parse(readText(environment, file), file, again);
  const outputs = isObject(content) ? (content as Partial<Outputs>) : {};
  if (!isObject(outputs.instances) || !isObject(outputs.platforms)) throw new UserError(`${file} has no outputs of this project; ${again}`);
  if (outputs.environment !== environment)
    throw new UserError(`${file} is of environment ${outputs.environment}, not of ${environment}; ${again}`);
  return outputs as Outputs;
}

function readText(environment: string, file: string): string {
  try {
    return readFileSync(fromUser(file), "utf8");
  } catch {
    throw new UserError(`there is no file ${file}; run ${outputsCommand(environment, file)}`);
  }
}

function parse(text: string, file: string, again: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON; ${again}`);
  }
}
