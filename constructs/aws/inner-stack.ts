import { CfnOutput, NestedStack } from "aws-cdk-lib";
import type { Construct } from "constructs";

/** Key of the metadata with a nested stack's name, in its parent's template. */
export const INNER_NAME = "platform-postgres/name";

/**
 * Creates a nested stack. CloudFormation limits each stack to 500 resources and 1 MB, so resources that exist once per platform are in
 * additional stacks.
 *
 * Nested, because removing it from its parent deletes it; a separate stack, with its releases, would remain.
 *
 * @param name of a platform or an instance: unique among those in the parent.
 */
export function createInnerStack(scope: Construct, name: string, description: string): NestedStack {
  // No name contains a dot: it meets no other construct.
  const inner = new NestedStack(scope, `${name}.inner`, { description });
  inner.nestedStackResource?.addMetadata(INNER_NAME, name);
  return inner;
}

/** Passes a value to the parent as one output. @returns a reference to it, for the parent and other stacks. */
export function publish(inner: NestedStack, output: string, value: string): string {
  new CfnOutput(inner, output, { value });
  return inner.nestedStackResource?.getAtt(`Outputs.${output}`).toString() ?? "";
}
