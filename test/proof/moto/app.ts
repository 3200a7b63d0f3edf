import { App } from "aws-cdk-lib";
import { aws } from "../../../constructs/aws/target";
import { resolveUnknown } from "../../../constructs/model/resolve";
import { platforms } from "../../../constructs/platforms/registry";
import { createStacks } from "../../../infra/aws/stacks";
import { CLOUDS, type NamedSpec } from "../../../infra/spec";

/** The stacks of an environment that has no file: its spec is JSON in the variable SPEC. */
const app = new App();
const spec = JSON.parse(process.env.SPEC ?? "{}") as NamedSpec;
createStacks(app, resolveUnknown(spec, { target: aws, platforms, sections: CLOUDS }));
app.synth();
