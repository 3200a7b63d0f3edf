import { isObject } from "../../../constructs/model/json";
import { type Inputs, UNKNOWN } from "./world";

/** The type of the provider of a cluster. */
export const KUBERNETES = "pulumi:providers:kubernetes";

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: { readonly server: string } }[];
}

/** Keys of the inputs that decide which cluster it is. */
const DECIDING = ["kubeconfig", "context", "cluster"];

/**
 * What replaces the provider of a cluster, and so everything in the cluster, as its own code decides.
 *
 * https://github.com/pulumi/pulumi-kubernetes/blob/9497796/provider/pkg/provider/provider.go (`DiffConfig`)
 */
export function diffConfig(old: Inputs, next: Inputs): readonly string[] {
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  const changed = keys.filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]));
  if (changed.length === 0) return [];
  const [had, has] = [old.clusterIdentifier, next.clusterIdentifier];
  if (had !== undefined && had === has) return [];
  const identifier = had !== undefined && has !== undefined ? ["clusterIdentifier"] : [];
  const unknown = DECIDING.find((key) => next[key] === UNKNOWN);
  if (unknown !== undefined) return [...identifier, unknown];
  const [before, after] = [activeCluster(old), activeCluster(next)];
  const isOther = before !== null && after !== null && JSON.stringify(before) !== JSON.stringify(after);
  return isOther ? [...identifier, ...DECIDING.filter((key) => changed.includes(key))] : identifier;
}

/** The server that a provider talks to; null where its settings do not say. */
export const serverOf = (inputs: Inputs | undefined): string | null =>
  inputs === undefined ? null : (activeCluster(inputs)?.server ?? null);

function activeCluster({ kubeconfig, context, cluster }: Inputs): { readonly server: string } | null {
  const { contexts = [], clusters = [], ...config } = parse(kubeconfig);
  const name = String(context ?? config["current-context"]);
  const active = cluster ?? contexts.find((each) => each.name === name)?.context.cluster;
  return clusters.find((each) => each.name === active)?.cluster ?? null;
}

function parse(kubeconfig: unknown): Kubeconfig {
  try {
    const parsed: unknown = JSON.parse(String(kubeconfig));
    return isObject(parsed) ? (parsed as Kubeconfig) : {};
  } catch {
    // One that is written by hand is YAML, or a path: this double reads neither.
    return {};
  }
}
