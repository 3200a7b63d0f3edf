import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/*
 * A program that registers what another has registered, one after the other, without thinking: what Pulumi itself takes for that many
 * resources, with the classes that a person would use.
 */

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly inputs: Readonly<Record<string, unknown>>;
}

type Made = new (name: string, inputs: object) => pulumi.Resource;

/** Not imported: their declarations would take the compiler longer than all of ours. */
const PACKAGES: Readonly<Record<string, unknown>> = {
  gcp: require("@pulumi/gcp"),
  kubernetes: require("@pulumi/kubernetes"),
  random: require("@pulumi/random"),
};

/** `gcp:sql/databaseInstance:DatabaseInstance` is `gcp.sql.DatabaseInstance`, `kubernetes:core/v1:ConfigMap` is `kubernetes.core.v1.ConfigMap`. */
function classOf(type: string): Made | null {
  const [name = "", module = "", kind = ""] = type.split(":");
  const [group = "", version = ""] = module.replace(".k8s.io", "").replace("helm.sh", "helm").split("/");
  const path = name === "kubernetes" ? [group, version, kind] : [...(group === "index" ? [] : [group]), kind];
  const found = path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], PACKAGES[name]);
  return (found as Made | undefined) ?? null;
}

/** A kind that no class knows. */
class Plain extends pulumi.CustomResource {}

const registered = JSON.parse(readFileSync(join(__dirname, "registered.json"), "utf8")) as readonly Registered[];
for (const { type, name, custom, inputs } of registered) {
  const Kind = custom ? classOf(type) : null;
  if (Kind !== null) new Kind(name, inputs);
  else if (custom) new Plain(type, name, inputs);
  else new pulumi.ComponentResource(type, name);
}
