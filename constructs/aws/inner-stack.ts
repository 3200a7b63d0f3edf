import { CfnOutput, NestedStack } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Key of the metadata by which a template says what its nested stack is called. */
export const INNER_NAME = "platform-postgres/name";

/**
 * A nested stack. CloudFormation takes 500 resources and 1 MB in each stack, and so what comes once for each platform has its own.
 *
 * Nested, because removing it from its parent deletes it: a stack beside it would stay, and its releases with it.
 *
 * @param name of a platform or an instance: unique among those in the parent.
 */
export function createInnerStack(scope: Construct, name: string, description: string): NestedStack {
  // No name contains a dot: it meets no other construct.
  const inner = new NestedStack(scope, `${name}.inner`, { description });
  inner.nestedStackResource?.addMetadata(INNER_NAME, name);
  return inner;
}

/** Hands a value over to the parent. @returns the value, as the parent and other stacks refer to it: one output, however many parts it has. */
export function publish(inner: NestedStack, output: string, value: string): string {
  new CfnOutput(inner, output, { value });
  return inner.nestedStackResource?.getAtt(`Outputs.${output}`).toString() ?? "";
}
