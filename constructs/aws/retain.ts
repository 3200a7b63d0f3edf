import { type CfnResource, RemovalPolicy } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Keeps a resource when its stack is deleted or it is replaced; only a first deployment that fails removes it. */
export const RETAIN = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** Applies `RETAIN` to a construct with a single resource. */
export function retain<T extends IConstruct>(construct: T): T {
  const resource = (construct.node.defaultChild ?? construct) as CfnResource;
  resource.applyRemovalPolicy(RETAIN);
  return construct;
}
