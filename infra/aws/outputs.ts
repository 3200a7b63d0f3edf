import { readFileSync } from "node:fs";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { cdkDeploy, freeName, fromUser } from "../command-line";
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
  const stack = stackName(environment, "access");
  // What the file has may be anything: it is not written over.
  const again = `run ${cdkDeploy(environment, freeName("cdk-outputs.json"))}`;
  const outputs = readStack(environment, file, stack, again);
  const read = <T>(output: string): T => {
    const value = outputs?.[output];
    const parsed = typeof value === "string" ? parse(value, file, again) : null;
    if (!isObject(parsed)) throw new UserError(`${file} has no output ${output} of stack ${stack}; ${again}`);
    return parsed as T;
  };
  return { instances: read("Instances"), platforms: read("Platforms") };
}

function readStack(environment: string, file: string, stack: string, again: string): Readonly<Record<string, unknown>> | null {
  let text: string;
  try {
    text = readFileSync(fromUser(file), "utf8");
  } catch {
    throw new UserError(`there is no file ${file}; run ${cdkDeploy(environment, file)}`);
  }
  const content = parse(text, file, again);
  const outputs = isObject(content) ? content[stack] : undefined;
  return isObject(outputs) ? outputs : null;
}

function parse(text: string, file: string, again: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not valid JSON; ${again}`);
  }
}
