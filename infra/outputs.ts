import { readFileSync } from "node:fs";
import { UserError } from "../constructs/model/errors";
import { ownEntry } from "../constructs/model/json";
import { fromUser } from "./command-line";

/** A file with a deployment's outputs. */
export interface OutputsFile {
  /** As the user types it. */
  readonly path: string;
  /** The instruction that writes it. */
  readonly write: string;
  /** The instruction that writes a new file: this one may have any content, and is not overwritten. */
  readonly again: string;
}

/** @param fault the problem with the file. */
export const refuseOutputs = ({ path, again }: OutputsFile, fault: string): UserError => new UserError(`${path} ${fault}; ${again}`);

/** Reads the file as JSON. @throws UserError */
export function readOutputsFile(file: OutputsFile): unknown {
  let text: string;
  try {
    text = readFileSync(fromUser(file.path), "utf8");
  } catch {
    throw new UserError(`there is no file ${file.path}; ${file.write}`);
  }
  return parseOutput(text, file);
}

/** Parses a text of the file as JSON. @throws UserError */
export function parseOutput(text: string, file: OutputsFile): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refuseOutputs(file, "is not valid JSON");
  }
}

/** Returns the outputs of an instance or a platform. @param remedy the instruction that deploys it. @throws UserError */
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
