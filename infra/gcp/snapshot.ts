import type { GcpEnvironment } from "../../constructs/gcp/parts/gcp-environment";
import { type Snapshot, toReadable } from "../snapshot";
import { deploy } from "./deploy";
import { CALLS, type Program, type Registration, register } from "./registrations";
import { pulumiProject } from "./stored";

/** Components, with one file each; `stack` contains all other resources. */
const COMPONENTS = ["database", "access", "platforms"];
const CA = "-----BEGIN CERTIFICATE-----\nof the instance\n-----END CERTIFICATE-----";

/** Stand-ins for outputs of providers: names that they choose, and values that the program reads. */
export const standIns: NonNullable<Program["outputs"]> = (type, name, inputs) => {
  const chosen = `${name}-1a2b3c4`;
  switch (type.split(":").at(-1)) {
    case "DatabaseInstance":
      return {
        name: chosen,
        connectionName: `${inputs.project}:${inputs.region}:${chosen}`,
        privateIpAddress: "10.20.0.3",
        serverCaCerts: [{ cert: CA }],
      };
    case "RandomPassword":
      return { result: "a stand-in" };
    case "ServiceIdentity":
      return { member: `serviceAccount:agent-of-${inputs.service}` };
    default:
      return inputs.name === undefined ? { name: chosen } : {};
  }
};

/**
 * Returns what `pulumi up` would register, with stand-ins for providers' outputs. Does not prove that a provider or Google accepts it, and
 * does not read `Pulumi.<stack>.yaml`. Leaves out the order of creation, which changes no resource.
 */
export async function snapshotGcp(environment: GcpEnvironment): Promise<Snapshot> {
  const program = { project: pulumiProject(), stack: environment.name, preview: false, outputs: standIns, calls: CALLS };
  const { resources, outputs } = await register(program, () => deploy(environment));
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const stacks: Record<string, Record<string, unknown>> = { stack: { "(outputs)": outputs } };
  for (const resource of resources) {
    const component = componentOf(resource, byUrn);
    const id = `${resource.type} ${resource.name}`;
    if (Object.hasOwn(stacks[component] ?? {}, id)) throw new TypeError(`there are two ${id}`);
    stacks[component] = { ...stacks[component], [id]: describe(resource, byUrn.get(resource.parent)) };
  }
  return toReadable(maskRegistrations(stacks)) as Snapshot;
}

function componentOf(resource: Registration, byUrn: ReadonlyMap<string, Registration>): string {
  const above = byUrn.get(resource.parent);
  if (above !== undefined && above.type !== "pulumi:pulumi:Stack") return componentOf(above, byUrn);
  return COMPONENTS.includes(resource.name) ? resource.name : "stack";
}

/** Properties, and in parentheses what Pulumi does with the resource. */
const describe = (resource: Registration, above: Registration | undefined): object => ({
  ...resource.inputs,
  ...(above === undefined ? {} : { "(parent)": `${above.type} ${above.name}` }),
  ...(resource.secrets.length > 0 ? { "(secret)": resource.secrets } : {}),
  ...(resource.protect ? { "(protected)": true } : {}),
  ...(resource.retainOnDelete ? { "(retained)": true } : {}),
  ...(resource.ignoreChanges.length > 0 ? { "(ignored)": resource.ignoreChanges } : {}),
  ...(Object.values(resource.timeouts).some((timeout) => timeout !== "") ? { "(timeouts)": resource.timeouts } : {}),
});

/** Masks the text of this project's program, and its hash in the names of its ConfigMap and Job. */
export const maskRegistrations = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, each) => (key === "program.js" ? "<masked>" : each)).replaceAll(
      /\b(program|provision)-[0-9a-f]{10}\b/g,
      "$1-<hash>",
    ),
  );
