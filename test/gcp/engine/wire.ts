import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { isObject } from "../../../constructs/model/json";
import { type Inputs, UNKNOWN } from "./world";

/** How Pulumi marks values on the wire. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export const toStruct = (value: Inputs): Struct => Struct.fromJavaScript(value as { [key: string]: JavaScriptValue });

const isSecret = (value: unknown): value is { readonly value: unknown } =>
  typeof value === "object" && value !== null && (value as Inputs)[SIGNATURE] === SECRET;

/** Top-level properties that hold a secret somewhere. */
export const secretKeys = (inputs: Inputs): readonly string[] => Object.keys(inputs).filter((key) => holdsSecret(inputs[key]));
const holdsSecret = (value: unknown): boolean =>
  isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(holdsSecret));

/** Without marks, and as JSON has it. */
export function fromWire(value: unknown): unknown {
  if (isSecret(value)) return fromWire(value.value);
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== "object" || value === null) return value;
  if (SIGNATURE in value) return UNKNOWN;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromWire(each)]));
}

export const mark = (outputs: Inputs, keys: readonly string[]): Inputs =>
  Object.fromEntries(
    Object.entries(outputs).map(([key, value]) => [key, keys.includes(key) ? { [SIGNATURE]: SECRET, value: value ?? null } : value]),
  );

/** In place of the engine's encryption: what is marked does not reach the file. */
export const hide = (values: Inputs, keys: readonly string[]): Inputs =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, keys.includes(key) ? { [SIGNATURE]: SECRET } : value]));

/** The paths of a value as another has them now. What is secret stays as it is. */
export function pick(of: Inputs, now: Inputs): Inputs {
  const pickAny = (old: unknown, found: unknown): unknown => {
    if (!isObject(old) || isSecret(old) || !isObject(found)) return isSecret(old) ? old : found;
    return pick(old as Inputs, found as Inputs);
  };
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, pickAny(value, now[key])]));
}

/** Inputs as the engine hands them to a provider: what is ignored is as it was. */
export function withIgnored(inputs: Inputs, old: Inputs, paths: readonly string[]): Inputs {
  const copy = structuredClone(inputs) as Record<string, unknown>;
  // A secret is only marked in a state: there is nothing to put back.
  for (const path of paths) if (old[path] !== undefined && !isSecret(old[path])) copy[path] = old[path];
  return copy;
}
