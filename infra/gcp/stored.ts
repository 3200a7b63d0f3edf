import { existsSync, readFileSync } from "node:fs";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { freeName, fromUser, pulumiCommand } from "../command-line";
import type { Described } from "./facts";

/** Name of the project in `Pulumi.yaml`. */
export const PROJECT = "platform-postgres";

/** A resource as a state has it. */
export interface Stored extends Described {
  /** What there was when it was last looked at. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Whether it stays when the state forgets it. */
  readonly retainOnDelete: boolean;
}

/** What `pulumi stack export` has printed. @throws UserError */
export function readState(file: string, environment: string): readonly Stored[] {
  const exported = (to: string) => `run ${pulumiCommand(["stack", "export"], environment, to)}`;
  if (!existsSync(fromUser(file))) throw new UserError(`there is no file ${file}; ${exported(file)}`);
  // What the file has may be anything: it is not written over.
  const again = exported(freeName("state.json"));
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(fromUser(file), "utf8"));
  } catch {
    throw new UserError(`${file} is not a state in JSON; ${again}`);
  }
  const deployment = isObject(content) ? content.deployment : null;
  const resources = isObject(deployment) ? deployment.resources : null;
  if (!Array.isArray(resources)) throw new UserError(`${file} contains no state of Pulumi; ${again}`);
  const own = (resources as Partial<Stored>[]).flatMap(
    ({ urn = "", type = "", parent = "", inputs = {}, outputs = inputs, retainOnDelete = false }) =>
      urn.startsWith(`urn:pulumi:${environment}::${PROJECT}::`) ? [{ urn, type, parent, inputs, outputs, retainOnDelete }] : [],
  );
  if (own.length === 0) throw new UserError(`${file} contains nothing of stack ${environment}; ${again}`);
  return own;
}
