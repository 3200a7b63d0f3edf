import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import type { CloudAssembly } from "aws-cdk-lib/cx-api";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { isObject, mapValues } from "../../constructs/model/json";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import { readDataFile } from "../data-files";
import { project } from "../project";
import { checkLimits } from "./limits";
import { CHECKED, createStacks } from "./stacks";
import { readTemplates, type Template, type WrittenTemplate } from "./templates";

/** The templates that the CDK has written, by stack. */
export const templatesOf = ({ directory, stacks }: CloudAssembly): Readonly<Record<string, WrittenTemplate>> =>
  Object.assign({}, ...stacks.map((stack) => readTemplates(directory, stack.stackName, stack.templateFile)));

/** Only templates are read here. Recording which line of code created each resource would take a tenth of the time. */
const ONLY_TEMPLATES = {
  "aws:cdk:disable-asset-staging": true,
  "aws:cdk:disable-creation-stack-traces": true,
  "aws:cdk:disable-stack-trace": true,
};

/** The feature flags of the project, by which the CDK decides what templates look like; where it has none yet, this package's. */
function readContext(): object {
  const file = [project().root, PACKAGE_ROOT].map((root) => join(root, "cdk.json")).find(existsSync) ?? "";
  const content = readDataFile("cdk.json", file);
  return isObject(content) && isObject(content.context) ? content.context : {};
}

/**
 * The templates of an environment, by stack; nested ones follow their parent. Nothing is left on the disk, and what they upload is not
 * copied.
 *
 * @throws SpecError if a stack exceeds a limit of AWS.
 * @param create makes the stacks: all, unless told otherwise.
 */
export function synthesize(environment: AwsEnvironment, create = createStacks): Readonly<Record<string, Template>> {
  // Here somebody waits for an answer about resources; `cdk synth` validates them.
  process.env.CDK_VALIDATION ??= "false";
  const outdir = mkdtempSync(join(tmpdir(), "platform-postgres-"));
  try {
    const context = readContext();
    const app = new App({ outdir, analyticsReporting: false, treeMetadata: false, context: { ...context, ...ONLY_TEMPLATES, ...CHECKED } });
    create(app, environment);
    const written = templatesOf(app.synth());
    checkLimits(written);
    return mapValues(written, ({ template }) => template);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
