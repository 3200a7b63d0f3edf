import type * as pulumi from "@pulumi/pulumi";
import { createEnvironment, outputsOf } from "../../constructs/gcp/parts/create";
import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { createProviders } from "../../constructs/gcp/parts/providers";
import { inProject, npmCommand } from "../command-line";

/** Scope of all resources of a stack, which has one environment. */
const SCOPE = "infra";

/** Creates all resources of an environment. Returns the stack's outputs, with the next command of this project. */
export function deploy(environment: GcpEnvironment): pulumi.Inputs & ReturnType<typeof outputsOf> {
  const parts = createEnvironment(environment, SCOPE, { providers: [...createProviders(environment, null)] });
  return {
    ...outputsOf(environment, parts),
    next: npmCommand("render", { environment: environment.name, cloud: "gcp", outputs: "outputs.json" }, [], inProject()),
  };
}
