import { type CfnResource, RemovalPolicy } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Outlives its stack, and a replacement; only a first deployment that fails takes it away again. */
export const RETAIN = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** Applies it to a construct of a single resource. */
export function retain<T extends IConstruct>(construct: T): T {
  const resource = (construct.node.defaultChild ?? construct) as CfnResource;
  resource.applyRemovalPolicy(RETAIN);
  return construct;
}
