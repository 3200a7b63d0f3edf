import { App } from "aws-cdk-lib";
import { aws } from "../../../constructs/aws/target";
import { resolve } from "../../../constructs/model/resolve";
import { platforms } from "../../../constructs/platforms/registry";
import type { AwsEnvironment } from "../../../infra/aws/environment";
import { createStacks } from "../../../infra/aws/stacks";
import type { NamedSpec } from "../../../infra/spec";

/** The stacks of an environment that has no file: its spec is JSON in the variable SPEC. */
const app = new App();
const spec = JSON.parse(process.env.SPEC ?? "{}") as NamedSpec;
createStacks(app, resolve(spec, { target: aws, platforms }) as unknown as AwsEnvironment);
app.synth();
