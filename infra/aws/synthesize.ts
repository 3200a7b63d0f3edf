import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import type { CloudAssembly } from "aws-cdk-lib/cx-api";
import type { AwsEnvironment } from "../../constructs/aws/stacks/aws-environment";
import { mapValues } from "../../constructs/model/json";
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
    const { context } = JSON.parse(readFileSync(join(project().root, "cdk.json"), "utf8")) as { readonly context: object };
    const app = new App({ outdir, analyticsReporting: false, treeMetadata: false, context: { ...context, ...ONLY_TEMPLATES, ...CHECKED } });
    create(app, environment);
    const written = templatesOf(app.synth());
    checkLimits(written);
    return mapValues(written, ({ template }) => template);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
