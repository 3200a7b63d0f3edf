import type { aws } from "../../constructs/aws/target";
import type { gcp } from "../../constructs/gcp/target";
import type { Spec } from "../../constructs/model/spec";
import type { platforms } from "../../constructs/platforms/registry";

/** What an environment's file holds: data only. */
export type EnvironmentSpec = Spec<typeof platforms, { readonly aws: typeof aws; readonly gcp: typeof gcp }>;
