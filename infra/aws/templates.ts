import { readFileSync } from "node:fs";
import { join } from "node:path";
import { INNER_NAME } from "../../constructs/aws/inner-stack";
import { isObject } from "../../constructs/model/json";

/** A template of CloudFormation, with the parts that this project reads. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: string } }>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
}
export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

/** A template as it is written to a file and uploaded. */
export interface WrittenTemplate {
  readonly template: Template;
  /** Length of its file. */
  readonly bytes: number;
}

export const NESTED = "AWS::CloudFormation::Stack";

/** Separates a nested stack's name from its parent's: no stack name contains two hyphens in a row. */
const SEPARATOR = "--";
export const innerName = (stack: string, inner: string): string => `${stack}${SEPARATOR}${inner}`;
/** Returns the deployed stack: the parent of a nested one. */
export const parentOf = (stack: string): string => stack.split(SEPARATOR)[0] ?? stack;
/** A nested stack's name within its parent; null for a parent. */
export const innerOf = (stack: string): string | null => stack.split(SEPARATOR)[1] ?? null;

/**
 * Reads a stack's template and those of its nested stacks, which the CDK writes to the same folder.
 *
 * @throws SyntaxError, or a fault of the file system, if a file in the folder is missing or is not valid JSON.
 */
export function readTemplates(directory: string, stack: string, file: string): Readonly<Record<string, WrittenTemplate>> {
  const parent = readTemplate(join(directory, file));
  const nested = Object.values(parent.template.Resources).filter(({ Type }) => Type === NESTED);
  if (nested.length === 0) return { [stack]: parent };
  const { files } = JSON.parse(readFileSync(join(directory, `${stack}.assets.json`), "utf8")) as AssetManifest;
  const inner = nested.map(({ Metadata = {}, Properties = {} }) => {
    const [, hash = ""] = /([0-9a-f]{64})\.json/.exec(JSON.stringify(Properties.TemplateURL)) ?? [];
    return [innerName(stack, String(Metadata[INNER_NAME])), readTemplate(join(directory, files[hash]?.source.path ?? ""))] as const;
  });
  return { [stack]: parent, ...Object.fromEntries(inner) };
}

interface AssetManifest {
  readonly files: Readonly<Record<string, { readonly source: { readonly path: string } }>>;
}

function readTemplate(file: string): WrittenTemplate {
  const text = readFileSync(file, "utf8");
  const content: unknown = JSON.parse(text);
  if (!isObject(content)) throw new SyntaxError(`${file} contains no object`);
  return { template: { Resources: {}, ...content }, bytes: Buffer.byteLength(text) };
}
