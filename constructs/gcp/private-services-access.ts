import * as compute from "@pulumi/gcp/compute";
import * as projects from "@pulumi/gcp/projects";
import * as servicenetworking from "@pulumi/gcp/servicenetworking";
import * as pulumi from "@pulumi/pulumi";

export interface PrivateServicesAccessArgs {
  /** Project that is deployed to. */
  readonly project: string;
  /** `projects/P/global/networks/NAME`. */
  readonly network: string;
  /** Whether the range and the peering are made; false takes what the network has. */
  readonly create: boolean;
  /** Bits of the range's prefix. */
  readonly prefixLength: number;
  /** Enables the APIs that are needed, in the project. */
  readonly enableApis: boolean;
}

const SERVICE = "servicenetworking.googleapis.com";
const APIS = [SERVICE, "sqladmin.googleapis.com", "secretmanager.googleapis.com", "dns.googleapis.com", "monitoring.googleapis.com"];

/** The way of a network to Google's services, by which databases have a private address. A network has one. */
export class PrivateServicesAccess extends pulumi.ComponentResource {
  /** What an instance must wait for: nothing in it names the peering. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PrivateServicesAccessArgs, opts: pulumi.ComponentResourceOptions) {
    super("platform-postgres:gcp:PrivateServicesAccess", name, {}, opts);
    // What others in the project may use is not turned off with this stack.
    const apis = (args.enableApis ? APIS : []).map(
      (service) =>
        new projects.Service(
          `${name}-${service.split(".")[0]}`,
          { project: args.project, service, disableOnDestroy: false },
          { parent: this },
        ),
    );
    this.ready = args.create ? [...apis, createPeering(this, name, args, apis)] : apis;
    this.registerOutputs({});
  }
}

function createPeering(
  parent: pulumi.Resource,
  name: string,
  { network, prefixLength }: PrivateServicesAccessArgs,
  dependsOn: readonly pulumi.Resource[],
): pulumi.Resource {
  // Google refuses to end a peering for days after the last instance is gone, and others may use it by then: both stay.
  const opts = { parent, dependsOn: [...dependsOn], retainOnDelete: true };
  const range = new compute.GlobalAddress(
    `${name}-range`,
    // A shared network's range belongs to its own project.
    { project: network.split("/")[1] ?? "", network, purpose: "VPC_PEERING", addressType: "INTERNAL", prefixLength },
    opts,
  );
  return new servicenetworking.Connection(
    `${name}-peering`,
    { network, service: SERVICE, reservedPeeringRanges: [range.name], deletionPolicy: "ABANDON" },
    opts,
  );
}
