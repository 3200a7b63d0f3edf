import { readFileSync } from "node:fs";
import { UserError } from "../constructs/model/errors";
import { ownEntry } from "../constructs/model/json";
import { fromUser } from "./command-line";

/** A file in which a deployment says where things are. */
export interface OutputsFile {
  /** As the user types it. */
  readonly path: string;
  /** What writes it, in the imperative. */
  readonly write: string;
  /** What writes a new one, in the imperative: the content of this one may be anything, and is not written over. */
  readonly again: string;
}

/** @param fault what is wrong with the file. */
export const refuseOutputs = ({ path, again }: OutputsFile, fault: string): UserError => new UserError(`${path} ${fault}; ${again}`);

/** The content of the file as JSON. @throws UserError */
export function readOutputsFile(file: OutputsFile): unknown {
  let text: string;
  try {
    text = readFileSync(fromUser(file.path), "utf8");
  } catch {
    throw new UserError(`there is no file ${file.path}; ${file.write}`);
  }
  return parseOutput(text, file);
}

/** A text of the file as JSON. @throws UserError */
export function parseOutput(text: string, file: OutputsFile): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuseOutputs(file, "is not valid JSON");
  }
}

/** What the outputs say of an instance or a platform. @param remedy deploys it, in the imperative. @throws UserError */
export function findOutput<T>(
  among: Readonly<Record<string, T>>,
  name: string,
  kind: "instance" | "platform",
  path: string,
  remedy: string,
): T {
  const found = ownEntry(among, name);
  if (found === undefined) throw new UserError(`${path} contains no ${kind} ${name}; ${remedy}`);
  return found;
}
