import { type Homes, toHomes } from "../plan/homes";
import type { Described } from "./facts";

const ENDING = "-provisioning-program";

/** Reads from a state where platforms' data is: the ConfigMap `INSTANCE-provisioning-program` contains the task of provisioning. */
export const storedHomes = (resources: readonly Described[]): Homes =>
  Object.assign(
    {},
    ...resources.map(({ urn, inputs }) => {
      const { data } = inputs as { readonly data?: { readonly "task.json"?: unknown } };
      const name = urn.split("::").at(-1) ?? "";
      return name.endsWith(ENDING) ? toTenants(name.slice(0, -ENDING.length), data?.["task.json"]) : {};
    }),
  );

function toTenants(instance: string, task: unknown): Homes {
  try {
    return toHomes(instance, (JSON.parse(String(task)) as { readonly tenants?: unknown }).tenants);
  } catch {
    return {};
  }
}
