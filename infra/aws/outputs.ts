import { readFileSync } from "node:fs";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { stackName } from "./environment";

/** What the stacks print of an environment. */
export interface Outputs {
  readonly instances: Readonly<
    Record<
      string,
      {
        readonly host: string;
        readonly port: number;
        /** ARN. */
        readonly masterSecret: string;
        /** ARN of what encrypts its secrets; null where that is the account's own key. */
        readonly key: string | null;
        readonly securityGroups: readonly string[];
        /** Command that restarts the instance; null for an existing database. */
        readonly restart: string | null;
      }
    >
  >;
  readonly platforms: Readonly<
    Record<
      string,
      {
        readonly secretArn: string;
        /** What External Secrets reads it with; null without a cluster. */
        readonly readerRoleArn: string | null;
      }
    >
  >;
}

/** Reads what `cdk deploy --all --outputs-file FILE` has written. @throws UserError */
export function readOutputs(environment: string, file: string): Outputs {
  const content = parse(readText(file), file);
  const stack = stackName(environment, "access");
  return {
    instances: outputOf<Outputs["instances"]>(content, stack, "Instances", file),
    platforms: outputOf<Outputs["platforms"]>(content, stack, "Platforms", file),
  };
}

const AGAIN = "run npx cdk deploy --all --outputs-file cdk-outputs.json";

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

function outputOf<T>(content: unknown, stack: string, output: string, file: string): T {
  const outputs = isObject(content) ? content[stack] : undefined;
  const value = isObject(outputs) ? outputs[output] : undefined;
  const parsed = typeof value === "string" ? parse(value, file) : null;
  if (!isObject(parsed)) throw new UserError(`${file} has no output ${output} of stack ${stack}; ${AGAIN}`);
  return parsed as T;
}
