import * as compute from "@pulumi/gcp/compute";
import * as servicenetworking from "@pulumi/gcp/servicenetworking";
import * as pulumi from "@pulumi/pulumi";
import { USUAL_PREFIX } from "./section";

export interface PrivateServicesAccessArgs {
  /** `projects/P/global/networks/NAME`. */
  readonly network: string;
  /** Whether the range and the peering are made; false takes what the network has. @defaultValue `true` */
  readonly create?: boolean;
  /** Bits of the range's prefix. @defaultValue `20` */
  readonly prefixLength?: number;
  /** What must be there first: the API of Service Networking. @defaultValue `[]` */
  readonly after?: readonly pulumi.Resource[];
}

const SERVICE = "servicenetworking.googleapis.com";

/** The way of a network to Google's services, by which databases have a private address. A network has one. */
export class PrivateServicesAccess extends pulumi.ComponentResource {
  /** What an instance must wait for: nothing in it names the peering. */
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
  // Google refuses to end a peering for days after the last instance is gone, and others may use it by then: both stay.
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
    // A refresh sees ranges that others add to the network's only peering; a change would remove them.
    { ...opts, ignoreChanges: ["reservedPeeringRanges"] },
  );
}
