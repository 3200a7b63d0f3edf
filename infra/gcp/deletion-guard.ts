import * as pulumi from "@pulumi/pulumi";

/**
 * Nothing but a protected entry of the state that depends on everything. Pulumi deletes what depends on others first, and stops at the
 * first refusal: a destroy that is refused for the databases would otherwise have taken the platforms with it, and their rights.
 */
export class DeletionGuard extends pulumi.ComponentResource {
  /** @param protect false takes it down with the rest; a guard that is left out while it is protected could not be removed. */
  constructor(dependsOn: readonly pulumi.Resource[], protect: boolean) {
    super("platform-postgres:infra:DeletionGuard", "deletion-guard", {}, { protect, dependsOn: [...dependsOn] });
    this.registerOutputs({});
  }
}
