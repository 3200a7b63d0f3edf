import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { freeName, fromUser, pulumiCommand } from "../command-line";
import { PACKAGE, project } from "../project";
import { type Described, INSTANCE } from "./facts";

/** Name of the project in `Pulumi.yaml`, which the URNs of its resources contain; without a file, this package's. */
export function pulumiProject(): string {
  const file = join(project().root, "Pulumi.yaml");
  const { parse } = require("yaml") as typeof import("yaml");
  const content: unknown = existsSync(file) ? parse(readFileSync(file, "utf8")) : null;
  return isObject(content) && typeof content.name === "string" ? content.name : PACKAGE;
}

/** A resource of a state. */
export interface Stored extends Described {
  /** Its properties at the last refresh. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Whether it stays in the cloud after its removal from the state. */
  readonly retainOnDelete: boolean;
}

/** Reads the output of `pulumi stack export`. @throws UserError */
export function readState(file: string, environment: string): readonly Stored[] {
  const exported = (to: string) => `run ${pulumiCommand(["stack", "export"], environment, to)}`;
  if (!existsSync(fromUser(file))) throw new UserError(`there is no file ${file}; ${exported(file)}`);
  // The file may have any content, so the remedy does not overwrite it.
  const again = exported(freeName("state.json"));
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(fromUser(file), "utf8"));
  } catch {
    throw new UserError(`${file} is not a state in JSON; ${again}`);
  }
  const deployment = isObject(content) ? content.deployment : null;
  const resources = isObject(deployment) ? deployment.resources : null;
  if (!Array.isArray(resources)) throw new UserError(`${file} does not contain a state of Pulumi; ${again}`);
  const beginning = `urn:pulumi:${environment}::${pulumiProject()}::`;
  const own = resources.flatMap((each: unknown) => toStored(each, beginning));
  if (own.length === 0) throw new UserError(`${file} contains nothing of stack ${environment}; ${again}`);
  if (!own.every(isComplete)) throw new UserError(`${file} contains an instance without a version or a tier; ${again}`);
  return own;
}

/** Whether a resource of this stack is in use. One that waits for deletion was replaced by another with its URN. */
function toStored(resource: unknown, beginning: string): readonly Stored[] {
  if (!isObject(resource) || resource.delete === true) return [];
  const { urn, type, parent, inputs, outputs, retainOnDelete } = resource;
  if (typeof urn !== "string" || typeof type !== "string" || !urn.startsWith(beginning)) return [];
  const its = isObject(inputs) ? inputs : {};
  return [
    {
      urn,
      type,
      parent: typeof parent === "string" ? parent : "",
      inputs: its,
      outputs: isObject(outputs) ? outputs : its,
      retainOnDelete: retainOnDelete === true,
    },
  ];
}

/** Whether a resource is an instance as this project writes it, or not an instance. */
const isComplete = ({ type, inputs: { databaseVersion, settings } }: Stored): boolean =>
  type !== INSTANCE || (typeof databaseVersion === "string" && isObject(settings) && typeof settings.tier === "string");
