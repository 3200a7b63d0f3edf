import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { BUNDLE_FILE, readBundle } from "../package/bundle";
import { createObject } from "./kubernetes-object";
import { toProgramConfigMap } from "./program-job";

/** The program in the cluster that provisions all instances of an environment. */
export interface ProvisioningProgram {
  /** Its name changes whenever the program does. */
  readonly configMap: string;
  readonly resource: pulumi.Resource;
}

/** Letters of a hash in a name. */
const HASH_LENGTH = 10;

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, HASH_LENGTH);

/**
 * Creates the program's ConfigMap once for all instances. Another version is another ConfigMap; Pulumi deletes the old one last, when
 * every Job and CronJob mounts the new one.
 */
export function createProgram(
  name: string,
  { environment, namespace }: { readonly environment: string; readonly namespace: string },
  opts: pulumi.CustomResourceOptions,
): ProvisioningProgram {
  const { text, hash } = readBundle("job");
  const configMap = `program-${hashOf(hash)}`;
  const object = toProgramConfigMap(configMap, { namespace, instance: environment }, { [BUNDLE_FILE]: text });
  return { configMap, resource: createObject(name, object, opts) };
}
