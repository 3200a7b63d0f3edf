import { readFileSync } from "node:fs";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";

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

const AGAIN = "run pulumi stack output --json > outputs.json";

/** Reads what `pulumi stack output --json` has printed. @throws UserError */
export function readOutputs(environment: string, file: string): Outputs {
  const content = parse(readText(file), file);
  const outputs = isObject(content) ? (content as Partial<Outputs>) : {};
  if (!isObject(outputs.instances) || !isObject(outputs.platforms)) throw new UserError(`${file} has no outputs of this project; ${AGAIN}`);
  if (outputs.environment !== environment)
    throw new UserError(`${file} is of environment ${outputs.environment}, not of ${environment}; select its stack, and ${AGAIN}`);
  return outputs as Outputs;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UserError(`there is no file ${file}; ${AGAIN}`);
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${file} is no JSON; ${AGAIN}`);
  }
}
