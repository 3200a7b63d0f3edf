import * as pulumi from "@pulumi/pulumi";
import { partType } from "./gcp-environment";

/**
 * Nothing but a protected entry of the state that depends on everything. Pulumi deletes what depends on others first, and stops at the
 * first refusal: a destroy that is refused for the databases would otherwise have taken the platforms with it, and their rights.
 */
export class DeletionGuard extends pulumi.ComponentResource {
  /** @param protect false takes it down with the rest; a guard that is left out while it is protected could not be removed. */
  constructor(
    scope: string,
    dependsOn: readonly pulumi.Resource[],
    protect: boolean,
    opts: Pick<pulumi.ComponentResourceOptions, "parent">,
  ) {
    super(partType(scope, "DeletionGuard"), "deletion-guard", {}, { ...opts, protect, dependsOn: [...dependsOn] });
    this.registerOutputs({});
  }
}
