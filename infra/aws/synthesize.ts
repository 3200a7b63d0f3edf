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

/** Templates of the CDK, by stack. */
export const templatesOf = ({ directory, stacks }: CloudAssembly): Readonly<Record<string, WrittenTemplate>> =>
  Object.assign({}, ...stacks.map((stack) => readTemplates(directory, stack.stackName, stack.templateFile)));

/** Context that turns off recording which line of code created each resource, which takes a tenth of the time. */
const ONLY_TEMPLATES = {
  "aws:cdk:disable-asset-staging": true,
  "aws:cdk:disable-creation-stack-traces": true,
  "aws:cdk:disable-stack-trace": true,
};

/** The project's feature flags of the CDK, which change templates; without any, this package's. */
function readContext(): object {
  const file = [project().root, PACKAGE_ROOT].map((root) => join(root, "cdk.json")).find(existsSync) ?? "";
  const content = readDataFile("cdk.json", file);
  return isObject(content) && isObject(content.context) ? content.context : {};
}

/**
 * Returns the templates of an environment, by stack; nested stacks follow their parent. Leaves no files on the disk, and does not copy
 * uploads.
 *
 * @throws SpecError if a stack exceeds a limit of AWS.
 * @param create creates the stacks (default: all of them).
 */
export function synthesize(environment: AwsEnvironment, create = createStacks): Readonly<Record<string, Template>> {
  // Skips validation, because the user is waiting; `cdk synth` validates.
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
