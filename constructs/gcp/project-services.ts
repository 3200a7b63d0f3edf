import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ProjectServicesArgs {
  readonly project: string;
  /** Names of the APIs without `.googleapis.com`. */
  readonly services: readonly string[];
}

/** Enables APIs in a project. Enable Cloud Resource Manager first: the provider needs it to find the project. */
export class ProjectServices extends pulumi.ComponentResource {
  /** Resources that use an API must wait for these. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { project, services }: ProjectServicesArgs, opts: pulumi.ComponentResourceOptions) {
    super("platform-postgres:gcp:ProjectServices", name, {}, opts);
    this.ready = services.map(
      (service) =>
        new projects.Service(
          `${name}-${service}`,
          // Others in the project may use the API: deleting this stack does not turn it off.
          { project, service: `${service}.googleapis.com`, disableOnDestroy: false },
          { parent: this },
        ),
    );
    this.registerOutputs({});
  }
}
