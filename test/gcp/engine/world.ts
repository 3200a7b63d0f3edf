import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { pathsOf, propertiesOf } from "../../../infra/gcp/catalogue";
import { createInstance, INSTANCE, ignoreSmallerDisk, shrinks, updateInstance } from "./instances";

export type Inputs = Readonly<Record<string, unknown>>;

/** What the stand-in providers have made, by URN and id. */
export interface Things {
  [key: string]: Inputs;
}

/** Where a world is kept, by package. */
export interface Store {
  read(name: string): Things;
  write(name: string, things: Things): void;
}

export function inMemory(): Store {
  const kept = new Map<string, Things>();
  return { read: (name) => kept.get(name) ?? {}, write: (name, things) => void kept.set(name, things) };
}

/** In a file for each package, so that several processes may be one world. @param path what their names begin with. */
export const inFiles = (path: string): Store => ({
  read: (name) => (existsSync(`${path}.${name}`) ? (JSON.parse(readFileSync(`${path}.${name}`, "utf8")) as Things) : {}),
  write: (name, things) => {
    // As a whole, because others may read it.
    writeFileSync(`${path}.${name}.new`, JSON.stringify(things));
    renameSync(`${path}.${name}.new`, `${path}.${name}`);
  },
});

/**
 * A double of the providers gcp, kubernetes and random, and of what they make.
 *
 * It refuses what the catalogue says, replaces what the catalogue says, and invents the outputs that the program reads. Instances, the
 * peering and releases do what their providers' code does with them (`instances.ts`, and below). It does not prove that Google or a cluster
 * would accept anything.
 */
export class World {
  /** What fails next, by type, or by type and name (`TYPE NAME`): the message of a fault of the cloud. */
  readonly faults: ReadonlyMap<string, string>;

  constructor(
    private readonly store: Store,
    faults: Readonly<Record<string, string>> = {},
  ) {
    this.faults = new Map(Object.entries(faults));
  }

  /** The same world, in which something fails. */
  withFaults(faults: Readonly<Record<string, string>>): World {
    return new World(this.store, faults);
  }

  get things(): Things {
    return Object.assign({}, ...PACKAGES.map((name) => this.store.read(name))) as Things;
  }

  /** Where the cluster's API is. */
  get endpoint(): string {
    return String(this.store.read(CLUSTER).cluster?.endpoint ?? FIRST_ENDPOINT);
  }

  /** Gives the cluster another endpoint; nothing answers at the one before. */
  moveCluster(endpoint: string): void {
    this.store.write(CLUSTER, { cluster: { endpoint } });
  }

  /** Whether the cluster is reached at a server. */
  answers(server: string): boolean {
    return server === `https://${this.endpoint}`;
  }

  /** Answers of data sources. */
  answer(token: string): Inputs {
    return token === "gcp:container/getCluster:getCluster"
      ? { endpoint: this.endpoint, masterAuths: [{ clusterCaCertificate: Buffer.from(this.endpoint).toString("base64") }] }
      : {};
  }

  /** Changes a thing behind Pulumi's back. @param name the resource's. */
  meddle(type: string, name: string, change: (thing: Inputs) => Inputs): void {
    const key = Object.keys(this.things).find(
      (each) => typeOf(each.split(" ")[0] ?? "") === type && nameOf(each.split(" ")[0] ?? "") === name,
    );
    if (key === undefined) throw new Error(`the world has no ${type} ${name}`);
    this.change(key.split(" ")[0] ?? "", (things) => ({ ...things, [key]: change(things[key] ?? {}) }));
  }

  /** Changes what a package has made. */
  private change(urn: string, make: (things: Things) => Things): void {
    this.store.write(packageOf(urn), make(this.store.read(packageOf(urn))));
  }

  /** Completes inputs as a provider's Check does, or says what is wrong with them, by property. */
  check(
    urn: string,
    old: Inputs | null,
    written: Inputs,
  ): { readonly inputs: Inputs; readonly failures: readonly (readonly [string, string])[] } {
    const type = typeOf(urn);
    const inputs: Inputs = { ...(NAMED.includes(type) ? { name: old?.name ?? this.freeName(urn) } : {}), ...written };
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
    const compared = type === INSTANCE ? ignoreSmallerDisk(old, next) : next;
    const [had, has] = [old, compared].map((inputs) => without(inputs, ignored)) as [Inputs, Inputs];
    const keys = [...new Set([...Object.keys(had), ...Object.keys(has)])];
    const changed = keys.filter((key) => JSON.stringify(had[key]) !== JSON.stringify(has[key]));
    const paths = Object.entries(propertiesOf(type) ?? {}).flatMap(([path, { replaces }]) => (replaces ? [path] : []));
    const at = (inputs: Inputs, path: string) =>
      JSON.stringify([...pathsOf(inputs)].filter(([each]) => each === path).map(([, value]) => value));
    const replaces =
      changed.length === 0 ? [] : [...paths, ...(FIXED[kindOf(type)] ?? [])].filter((path) => at(had, path) !== at(has, path));
    return { changed, replaces: type === INSTANCE && shrinks(had, has) ? [...replaces, "settings.diskSize"] : replaces };
  }

  /** What a program reads of a thing that is not made. */
  imagine(type: string, inputs: Inputs): Inputs {
    return { name: "imagined", ...inputs, ...outputsOf(type, inputs) };
  }

  create(urn: string, inputs: Inputs): { readonly id: string; readonly outputs: Inputs } {
    const type = typeOf(urn);
    const fault = this.faults.get(`${type} ${nameOf(urn)}`) ?? this.faults.get(type);
    if (fault !== undefined) throw new Error(fault);
    const id = idOf(urn, inputs);
    const key = `${urn} ${id}`;
    this.refuseTwice(type, inputs, key);
    const made = type === INSTANCE ? createInstance(this.ofType(INSTANCE), inputs) : inputs;
    const outputs = { ...made, ...outputsOf(type, inputs) };
    this.change(urn, (things) => ({ ...things, [key]: outputs }));
    return { id, outputs };
  }

  /** @param old outputs, as the state has them. */
  update(urn: string, id: string, inputs: Inputs, old: Inputs): Inputs {
    const key = `${urn} ${id}`;
    if (typeOf(urn) === INSTANCE) {
      const { primary, replicas } = updateInstance(this.ofType(INSTANCE), this.things[key] ?? {}, old, inputs);
      this.change(urn, (things) => ({ ...things, ...replicas, [key]: primary }));
      return primary;
    }
    const outputs = { ...inputs, ...outputsOf(typeOf(urn), inputs) };
    this.change(urn, (things) => ({ ...things, [key]: outputs }));
    return outputs;
  }

  delete(urn: string, id: string): void {
    const key = `${urn} ${id}`;
    if (this.things[key]?.deletionProtection === true)
      throw new Error(
        "Error, failed to delete instance because deletion_protection is set to true. Set it to false to proceed with instance deletion",
      );
    const { [key]: gone, ...rest } = this.store.read(packageOf(urn));
    this.change(urn, () => (typeOf(urn) === RELEASE ? afterUninstall(gone ?? {}, rest) : rest));
  }

  /** Uninstalls a release as a person does with helm: no state knows of it. */
  uninstall(name: string): void {
    const [key = ""] = Object.entries(this.ofType(RELEASE)).find(([, { chart }]) => chart === name) ?? [];
    const [urn = "", id = ""] = key.split(" ");
    this.delete(urn, id);
  }

  ofType(type: string): Things {
    return Object.fromEntries(Object.entries(this.things).filter(([key]) => typeOf(key.split(" ")[0] ?? "") === type));
  }

  /** What is there only once. Objects of a cluster are taken as they are: `upsertExistingObjects`. */
  private refuseTwice(type: string, inputs: Inputs, key: string): void {
    if (type === CONNECTION && Object.values(this.ofType(CONNECTION)).some(({ network }) => network === inputs.network))
      throw new Error(
        "Error waiting for Create Service Networking Connection: Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.",
      );
    if (this.things[key] === undefined) return;
    if (type === RELEASE) throw new Error("cannot re-use a name that is still in use");
    if (!type.startsWith("kubernetes:")) throw new Error(`Error 409: ${key} already exists`);
  }

  private freeName(urn: string): string {
    const before = Object.keys(this.things).filter((key) => key.startsWith(`${urn} `)).length;
    return `${nameOf(urn)}-${createHash("sha256")
      .update(`${urn}${before === 0 ? "" : before}`)
      .digest("hex")
      .slice(0, 7)}`;
  }
}

/** The chart's definitions are templates: what Helm does not keep goes, and in a cluster everything that is defined by it. */
function afterUninstall({ chart, values }: Inputs, rest: Things): Things {
  const { crds } = (values ?? {}) as { readonly crds?: { readonly annotations?: Readonly<Record<string, string>> } };
  if (chart !== "external-secrets" || crds?.annotations?.["helm.sh/resource-policy"] === "keep") return rest;
  return Object.fromEntries(Object.entries(rest).filter(([key]) => !key.includes(":external-secrets.io/")));
}

/** Packages that a stand-in stands in for. */
export const PACKAGES = ["gcp", "kubernetes", "random"];

/** A password that this world makes: nothing but the master's secret may show it. */
export const CANARY = "CanaryOfTheMaster0123456789abcde";
export const CA = "-----BEGIN CERTIFICATE-----\nstand-in\n-----END CERTIFICATE-----";

/** How Pulumi writes what is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const isKnown = (value: unknown): boolean => value !== UNKNOWN && value !== undefined;

const CLUSTER = "cluster";
const FIRST_ENDPOINT = "10.30.0.2";
export const RELEASE = "kubernetes:helm.sh/v3:Release";
const CONNECTION = "gcp:servicenetworking/connection:Connection";

/** Types whose name Pulumi makes free. */
const NAMED = [INSTANCE, "gcp:compute/globalAddress:GlobalAddress", "gcp:dns/managedZone:ManagedZone"];

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
const packageOf = (urn: string): string => typeOf(urn).split(":")[0] ?? "";
const kindOf = (type: string): string => type.split(":").at(-1) ?? "";
const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

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

function without(inputs: Inputs, paths: readonly string[]): Inputs {
  const copy = structuredClone(inputs) as Record<string, Record<string, unknown>>;
  for (const path of paths) {
    const [top = "", nested] = path.split(".");
    if (nested === undefined) delete copy[top];
    else if (copy[top] !== undefined) delete copy[top][nested];
  }
  return copy;
}
