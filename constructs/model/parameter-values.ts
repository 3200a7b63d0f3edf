import { type Violation, violation } from "./errors";
import type { InstanceSettings } from "./instance";
import { evaluateFormula } from "./parameter-formula";
import { findParameter, type Parameter, type ParameterValue, toBase, toPlainValue } from "./parameters";

/** A parameter that a spec sets. */
export interface SetParameter {
  readonly written: ParameterValue;
  /** As `pg_settings.setting` shows it: numbers in the parameter's own unit. */
  readonly plain: string;
  readonly parameter: Parameter;
}

/** Returns a parameter of an instance as PostgreSQL reads it; null if it is not set, unknown, or has a value that PostgreSQL rejects. */
export function setParameter({ parameters, majorVersion, size }: InstanceSettings, name: string): SetParameter | null {
  const written = parameters[name];
  if (written === undefined) return null;
  const parameter = findParameter(name, majorVersion);
  if (parameter === null) return null;
  const computed = parameter.type === "integer" ? evaluateFormula(String(written), size) : null;
  const plain = computed === null ? toPlainValue(parameter, written) : String(clamp(computed, parameter));
  return plain === null ? null : { written, plain, parameter };
}

/** A violation at a parameter of an instance, with what is written there. */
export const atParameter = ({ parameters }: InstanceSettings, path: string, name: string, rule: string, remedy = ""): Violation =>
  violation(`${path}.parameters.${name}`, rule, parameters[name], remedy);

/** RDS does not check the range of computed values; a value beyond the range does as much harm as its end. */
const clamp = (value: number, { min = value, max = value }: Parameter): number => Math.min(Math.max(value, min), max);

/** Returns a number as `setParameter` reads it, in the parameter's own unit; null if there is none. */
export function numberOf(instance: InstanceSettings, name: string): number | null {
  const found = setParameter(instance, name);
  return found === null ? null : Number(found.plain);
}

/** Returns a size in bytes; null if it is not set, or negative, which means PostgreSQL's own choice. */
export function bytesOf(instance: InstanceSettings, name: string): number | null {
  const found = setParameter(instance, name);
  if (found === null || Number(found.plain) < 0) return null;
  return toBase(found.parameter, Number(found.plain));
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** Formats a size for people: at most one decimal, in the largest unit that gives at least 1. */
export function showBytes(bytes: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 0), UNITS.length - 1);
  return `${Math.round((bytes / 2 ** (10 * power)) * 10) / 10} ${UNITS[power]}`;
}
