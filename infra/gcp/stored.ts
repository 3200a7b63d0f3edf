import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../constructs/model/errors";
import { isObject } from "../../constructs/model/json";
import { freeName, fromUser, pulumiCommand } from "../command-line";
import { PACKAGE, project } from "../project";
import { type Described, INSTANCE } from "./facts";

/** Name of the project in `Pulumi.yaml`, by which the engine calls all its resources; where there is none yet, this package's. */
export function pulumiProject(): string {
  const file = join(project().root, "Pulumi.yaml");
  const { parse } = require("yaml") as typeof import("yaml");
  const content: unknown = existsSync(file) ? parse(readFileSync(file, "utf8")) : null;
  return isObject(content) && typeof content.name === "string" ? content.name : PACKAGE;
}

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
  const beginning = `urn:pulumi:${environment}::${pulumiProject()}::`;
  const own = resources.flatMap((each: unknown) => toStored(each, beginning));
  if (own.length === 0) throw new UserError(`${file} contains nothing of stack ${environment}; ${again}`);
  if (!own.every(isComplete)) throw new UserError(`${file} contains an instance without a version or a tier; ${again}`);
  return own;
}

/** A resource of this stack. One that waits for its deletion was replaced: another one with its URN is in use. */
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

/** Whether a resource is no instance, or one as this project writes it. */
const isComplete = ({ type, inputs: { databaseVersion, settings } }: Stored): boolean =>
  type !== INSTANCE || (typeof databaseVersion === "string" && isObject(settings) && typeof settings.tier === "string");
