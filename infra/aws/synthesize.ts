import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { PACKAGE_ROOT } from "../../constructs/package/root";
import type { AwsEnvironment } from "./environment";
import { createStacks } from "./stacks";

/** A template of CloudFormation, as far as this project looks into it. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}
export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** Nobody reads more than templates here. To note where in our code each resource comes from takes a tenth of the time. */
const ONLY_TEMPLATES = {
  "aws:cdk:disable-asset-staging": true,
  "aws:cdk:disable-creation-stack-traces": true,
  "aws:cdk:disable-stack-trace": true,
};

/**
 * The templates of an environment, by stack. Nothing is left on the disk, and what they upload is not copied.
 *
 * @param create makes the stacks: all, unless told otherwise.
 */
export function synthesize(environment: AwsEnvironment, create = createStacks): Readonly<Record<string, Template>> {
  // Here somebody waits for an answer about resources; `cdk synth` validates them.
  process.env.CDK_VALIDATION ??= "false";
  const outdir = mkdtempSync(join(tmpdir(), "platform-postgres-"));
  try {
    const { context } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "cdk.json"), "utf8")) as { readonly context: object };
    const app = new App({ outdir, analyticsReporting: false, treeMetadata: false, context: { ...context, ...ONLY_TEMPLATES } });
    create(app, environment);
    return Object.fromEntries(app.synth().stacks.map((stack) => [stack.stackName, { Resources: {}, ...stack.template } as Template]));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
