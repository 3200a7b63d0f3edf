import * as compute from "@pulumi/gcp/compute";
import * as servicenetworking from "@pulumi/gcp/servicenetworking";
import * as pulumi from "@pulumi/pulumi";
import { USUAL_PREFIX } from "./section";

export interface PrivateServicesAccessArgs {
  /** `projects/P/global/networks/NAME`. */
  readonly network: string;
  /** Whether to create the range and the peering; false uses the network's existing ones. @defaultValue `true` */
  readonly create?: boolean;
  /** Bits of the range's prefix. @defaultValue `20` */
  readonly prefixLength?: number;
  /** Resources that must exist first: the Service Networking API. @defaultValue `[]` */
  readonly after?: readonly pulumi.Resource[];
}

const SERVICE = "servicenetworking.googleapis.com";

/** A network's private connection to Google's services, which gives databases private addresses. A network has only one. */
export class PrivateServicesAccess extends pulumi.ComponentResource {
  /** Resources that an instance must wait for: it does not reference the peering. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PrivateServicesAccessArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("platform-postgres:gcp:PrivateServicesAccess", name, {}, opts);
    this.ready = (args.create ?? true) ? [createPeering(this, name, args)] : [];
    this.registerOutputs({});
  }
}

function createPeering(
  parent: pulumi.Resource,
  name: string,
  { network, prefixLength = USUAL_PREFIX, after = [] }: PrivateServicesAccessArgs,
): pulumi.Resource {
  // Google does not delete a peering for days after the last instance is deleted, and others may use it by then: both remain.
  const opts = { parent, dependsOn: [...after], retainOnDelete: true };
  const range = new compute.GlobalAddress(
    `${name}-range`,
    // A shared network's range belongs to its own project.
    { project: network.split("/")[1] ?? "", network, purpose: "VPC_PEERING", addressType: "INTERNAL", prefixLength },
    opts,
  );
  return new servicenetworking.Connection(
    `${name}-peering`,
    { network, service: SERVICE, reservedPeeringRanges: [range.name], deletionPolicy: "ABANDON" },
    // A refresh finds ranges that others added to the network's only peering; an update would remove them.
    { ...opts, ignoreChanges: ["reservedPeeringRanges"] },
  );
}
