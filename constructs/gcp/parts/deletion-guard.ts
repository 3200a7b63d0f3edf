import * as pulumi from "@pulumi/pulumi";
import { partType } from "./gcp-environment";

/**
 * A protected entry in the state that depends on everything. Pulumi deletes dependents first, and stops at the first protected one: a
 * destroy that fails at the databases would otherwise already have deleted the platforms and their permissions.
 */
export class DeletionGuard extends pulumi.ComponentResource {
  /** @param protect false deletes it with the rest; a guard that is missing from the program while it is protected could not be removed. */
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
