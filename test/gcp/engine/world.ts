import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { pathsOf, propertiesOf } from "../../../infra/gcp/catalogue";

export type Inputs = Readonly<Record<string, unknown>>;

/** What the stand-in providers have made, by URN and id. */
interface Things {
  [key: string]: Inputs;
}

/**
 * A double of the providers gcp, kubernetes and random, and of what they make: in a file for each, so that several processes may be one
 * world.
 *
 * It refuses what the catalogue says, replaces what the catalogue says, invents the outputs that the program reads, and refuses to delete
 * an instance that guards itself. It does not prove that Google or a cluster would accept anything.
 */
export class World {
  /** What fails next, by type: the message of a fault of the cloud. */
  readonly faults: ReadonlyMap<string, string>;

  constructor(
    private readonly file: string,
    faults: Readonly<Record<string, string>> = {},
  ) {
    this.faults = new Map(Object.entries(faults));
  }

  get things(): Things {
    return Object.assign({}, ...PACKAGES.map((name) => this.thingsOf(name))) as Things;
  }

  private thingsOf(name: string): Things {
    const file = `${this.file}.${name}`;
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Things) : {};
  }

  /** Changes what a package has made. */
  private change(urn: string, make: (things: Things) => Things): void {
    const [name = ""] = typeOf(urn).split(":");
    const file = `${this.file}.${name}`;
    // As a whole, because others may read it.
    writeFileSync(`${file}.new`, JSON.stringify(make(this.thingsOf(name))));
    renameSync(`${file}.new`, file);
  }

  /** Completes inputs as a provider's Check does, or says what is wrong with them, by property. */
  check(
    urn: string,
    old: Inputs | null,
    written: Inputs,
  ): { readonly inputs: Inputs; readonly failures: readonly (readonly [string, string])[] } {
    const type = typeOf(urn);
    const inputs: Inputs = { ...(NAMED.includes(type) ? { name: old?.name ?? freeName(urn) } : {}), ...written };
    const properties = propertiesOf(type) ?? {};
    const failures = Object.entries(properties).flatMap(([path, { required, values }]): (readonly [string, string])[] => {
      if (required && !path.includes(".") && !path.endsWith("[]") && inputs[path] === undefined)
        return [[path, `Missing required argument "${path}"`]];
      const wrong =
        values === null
          ? []
          : [...pathsOf(inputs)].filter(([at, value]) => at === path && isKnown(value) && !values.includes(String(value)));
      return wrong.map(([, value]) => [path, `expected ${path} to be one of ${values?.join(", ")}, got ${value}`]);
    });
    return { inputs, failures };
  }

  /** Names of the top-level properties that changed, and whether any of it takes a new resource. */
  diff(
    urn: string,
    old: Inputs,
    next: Inputs,
    ignored: readonly string[],
  ): { readonly changed: readonly string[]; readonly replaces: readonly string[] } {
    const type = typeOf(urn);
    const [had, has] = [old, next].map((inputs) => without(inputs, ignored)) as [Inputs, Inputs];
    const keys = [...new Set([...Object.keys(had), ...Object.keys(has)])];
    const changed = keys.filter((key) => JSON.stringify(had[key]) !== JSON.stringify(has[key]));
    const paths = Object.entries(propertiesOf(type) ?? {}).flatMap(([path, { replaces }]) => (replaces ? [path] : []));
    const at = (inputs: Inputs, path: string) =>
      JSON.stringify([...pathsOf(inputs)].filter(([each]) => each === path).map(([, value]) => value));
    const replaces =
      changed.length === 0 ? [] : [...paths, ...(FIXED[kindOf(type)] ?? [])].filter((path) => at(had, path) !== at(has, path));
    return { changed, replaces };
  }

  create(urn: string, inputs: Inputs): { readonly id: string; readonly outputs: Inputs } {
    const type = typeOf(urn);
    const fault = this.faults.get(type);
    if (fault !== undefined) throw new Error(fault);
    const id = idOf(urn, inputs);
    const key = `${urn} ${id}`;
    if (this.things[key] !== undefined) throw new Error(`Error 409: ${id} already exists`);
    const outputs = { ...inputs, ...outputsOf(type, inputs) };
    this.change(urn, (things) => ({ ...things, [key]: outputs }));
    return { id, outputs };
  }

  update(urn: string, id: string, inputs: Inputs): Inputs {
    const outputs = { ...inputs, ...outputsOf(typeOf(urn), inputs) };
    this.change(urn, (things) => ({ ...things, [`${urn} ${id}`]: outputs }));
    return outputs;
  }

  delete(urn: string, id: string): void {
    if (this.things[`${urn} ${id}`]?.deletionProtection === true)
      throw new Error(
        "Error, failed to delete instance because deletion_protection is set to true. Set it to false to proceed with instance deletion",
      );
    this.change(urn, ({ [`${urn} ${id}`]: _gone, ...rest }) => rest);
  }
}

/** Packages that a stand-in stands in for. */
export const PACKAGES = ["gcp", "kubernetes", "random"];

/** A password that this world makes: nothing but the master's secret may show it. */
export const CANARY = "CanaryOfTheMaster0123456789abcde";
export const CA = "-----BEGIN CERTIFICATE-----\nstand-in\n-----END CERTIFICATE-----";

/** How Pulumi writes what is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const isKnown = (value: unknown): boolean => value !== UNKNOWN && value !== undefined;

/** Types whose name Pulumi makes free. */
const NAMED = ["gcp:sql/databaseInstance:DatabaseInstance", "gcp:compute/globalAddress:GlobalAddress", "gcp:dns/managedZone:ManagedZone"];

/** Of a cluster's objects: what cannot be changed. */
const NAME = ["metadata.name", "metadata.namespace"];
const TEMPLATE = "spec.template.spec";
const FIXED: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: [...NAME, "data"],
  Job: [...NAME, TEMPLATE],
  ...Object.fromEntries(
    ["CronJob", "Deployment", "ExternalSecret", "Namespace", "SecretStore", "ServiceAccount"].map((kind) => [kind, NAME]),
  ),
};

/** The last of `TYPE$TYPE`. */
export const typeOf = (urn: string): string => urn.split("::")[2]?.split("$").at(-1) ?? "";
const kindOf = (type: string): string => type.split(":").at(-1) ?? "";
const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

const freeName = (urn: string): string => `${nameOf(urn)}-${createHash("sha256").update(urn).digest("hex").slice(0, 7)}`;

function idOf(urn: string, inputs: Inputs): string {
  const metadata = inputs.metadata as { readonly name?: string; readonly namespace?: string } | undefined;
  if (metadata !== undefined) return `${metadata.namespace ?? ""}/${metadata.name}`;
  return String(inputs.name ?? inputs.secretId ?? nameOf(urn));
}

/** What a program reads of what was made. */
function outputsOf(type: string, inputs: Inputs): Inputs {
  switch (kindOf(type)) {
    case "DatabaseInstance":
      return {
        connectionName: `${inputs.project}:${inputs.region}:${inputs.name}`,
        privateIpAddress: "10.20.0.3",
        serverCaCerts: [{ cert: CA }],
      };
    case "RandomPassword":
      return { result: CANARY };
    case "ServiceIdentity":
      return { member: `serviceAccount:service-1@gcp-sa-${String(inputs.service).split(".")[0]}.iam.gserviceaccount.com` };
    default:
      return {};
  }
}

/** Answers of data sources. */
export const answer = (token: string): Inputs =>
  token === "gcp:container/getCluster:getCluster" ? { endpoint: "10.30.0.2", masterAuths: [{ clusterCaCertificate: "Q0E=" }] } : {};

function without(inputs: Inputs, paths: readonly string[]): Inputs {
  const copy = structuredClone(inputs) as Record<string, Record<string, unknown>>;
  for (const path of paths) {
    const [top = "", nested] = path.split(".");
    if (nested === undefined) delete copy[top];
    else if (copy[top] !== undefined) delete copy[top][nested];
  }
  return copy;
}
