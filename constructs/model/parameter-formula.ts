import { GIB, type InstanceSettings } from "./instance";

const VARIABLE = "(?:AllocatedStorage|DBInstanceClassMemory|DBInstanceVCPU|EndPointPort)";
// RDS's own defaults have the dollar sign, and more than the two operators that its page shows.
const FORMULA = `\\$?\\{(?:${VARIABLE}|log\\(${VARIABLE}/\\d+\\))(?:[*/]\\d+)*\\}`;
const ARGUMENT = `\\s*(?:-?\\d+|${FORMULA})\\s*`;
const CALL = new RegExp(`^(GREATEST|LEAST|SUM)\\((${ARGUMENT}(?:,${ARGUMENT})*)\\)$`, "i");
const WHOLE = new RegExp(`^${FORMULA}$`);
const PARTS = /^\$?\{(log\()?([A-Za-z]+)(?:\/(\d+)\))?((?:[*/]\d+)*)\}$/;

/** The least memory of a class that RDS and its operating system reserve. Bytes. */
const KEPT = GIB / 4;

/**
 * Returns what RDS would compute for an integer, such as `{DBInstanceClassMemory/32768}` or `GREATEST({DBInstanceClassMemory/63963136},64)`;
 * null if the text is not a formula, or depends on an unknown value.
 *
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html
 */
export function evaluateFormula(text: string, size: InstanceSettings["size"]): number | null {
  const [, name = "", list = ""] = CALL.exec(text) ?? [];
  if (name === "") return WHOLE.test(text) ? evaluateTerm(text, size) : null;
  const values = list.split(",").map((each) => evaluateTerm(each.trim(), size));
  if (values.some((each) => each === null)) return null;
  const numbers = values as readonly number[];
  switch (name.toUpperCase()) {
    case "GREATEST":
      return Math.max(...numbers);
    case "LEAST":
      return Math.min(...numbers);
    default:
      return numbers.reduce((sum, each) => sum + each, 0);
  }
}

function evaluateTerm(text: string, { vcpus, memoryGib }: InstanceSettings["size"]): number | null {
  if (/^-?\d+$/.test(text)) return Number(text);
  const [, log, variable, divisor, rest = ""] = PARTS.exec(text) ?? [];
  const known = { DBInstanceClassMemory: memoryGib * GIB - KEPT, DBInstanceVCPU: vcpus };
  if (variable !== "DBInstanceClassMemory" && variable !== "DBInstanceVCPU") return null;
  const first = log === undefined ? known[variable] : Math.log2(known[variable] / Number(divisor));
  const factors = [...rest.matchAll(/([*/])(\d+)/g)];
  return Math.floor(factors.reduce((value, [, operator, by]) => (operator === "*" ? value * Number(by) : value / Number(by)), first));
}
