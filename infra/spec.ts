import type { aws } from "../constructs/aws/target";
import type { gcp } from "../constructs/gcp/target";
import type { Spec } from "../constructs/model/spec";
import type { platforms } from "../constructs/platforms/registry";

/** Clouds whose sections an environment may have. */
export const CLOUDS = ["aws", "gcp"] as const;

/** An environment with its name. */
export type NamedSpec = Spec<typeof platforms, { readonly aws: typeof aws; readonly gcp: typeof gcp }>;

/** Content of an environment's file: data only. Its name is the file's; `name` is optional. */
export type EnvironmentSpec = Omit<NamedSpec, "name"> & { readonly name?: string };
