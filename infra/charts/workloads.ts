import { createHash } from "node:crypto";
import { parse } from "yaml";
import { isObject, type Json, type JsonObject } from "../../constructs/model/json";

/** A rendered object that runs pods, with the parts that concern the database. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Annotations that make Reloader restart it. */
  readonly reloads: Readonly<Record<string, string>>;
  readonly serviceAccount: string | null;
  /** Only if it differs from the release's. */
  readonly namespace?: string;
  /** The most pods that it runs, unless it is one. */
  readonly pods?: number;
  /** Whether old pods stop before new ones start. */
  readonly recreates?: true;
  /** In the order in which they start: init containers, then the others. */
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  /** `sidecar` is a native sidecar: it starts before the next containers, and keeps running. */
  readonly role: "init" | "sidecar" | "main";
  readonly image: string;
  /** Command and arguments; a longer text is a digest. */
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly mounts: readonly Mount[];
  readonly ports: readonly number[];
  /** Probes and lifecycle hooks, by Kubernetes' names: `readiness` is `GET /health http`. */
  readonly probes: Readonly<Record<string, string>>;
}

/** A variable and its source. Without a name: every key of the object. */
export interface Variable {
  readonly name: string | null;
  /** `Secret/NAME` or `ConfigMap/NAME`; `field` for a field of the pod; null for a text of the release. */
  readonly from: string | null;
  readonly key?: string;
  /** The text, also of a rendered ConfigMap; a long one is a digest. */
  readonly value?: string;
}

export interface Mount {
  readonly path: string;
  readonly subPath?: string;
  readonly readOnly: boolean;
  readonly sources: readonly Source[];
}

/** The mounted object: `Secret/NAME`, `ConfigMap/NAME`, `emptyDir`, ... */
export interface Source {
  readonly from: string;
  /** Chosen keys, and their files. */
  readonly items?: Readonly<Record<string, string>>;
  /** Files of a rendered ConfigMap, with only their sections called `database`. */
  readonly files?: Readonly<Record<string, JsonObject>>;
}

/** Most characters of a text. A longer text, or one of several lines, is code: its digest shows whether it has changed. */
const LONGEST = 300;
const digestOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
const factOf = (text: string): string => (text.length <= LONGEST && !text.includes("\n") ? text : digestOf(text));

/** An option whose value is a script, such as `sh -ec`. */
const SCRIPT = /^-[a-z]*c$/;

/** Kinds that keep pods running, which must be restarted when a Secret changes. */
export const keepsRunning = ({ kind }: Workload): boolean => !["Job", "CronJob", "Pod", "PodTemplate"].includes(kind);

/** The rendered objects that run pods, ordered by kind and name. @param namespace of the release. */
export function workloadsOf(objects: readonly JsonObject[], namespace: string | null = null): readonly Workload[] {
  return objects
    .flatMap((object) => {
      const template = templateOf(object);
      return template === null ? [] : [toWorkload(object, template, objects, namespace)];
    })
    .sort((a, b) => `${a.kind}/${a.name}`.localeCompare(`${b.kind}/${b.name}`, "en"));
}

/** Whether a container gets at least one key of a Secret. */
export const receives = ({ env, mounts }: Container, secret: string): boolean =>
  [...env.map(({ from }) => from), ...mounts.flatMap(({ sources }) => sources.map(({ from }) => from))].includes(`Secret/${secret}`);

/** Names of the containers that get a Secret, with their workload if there are several. */
export function receiversOf(workloads: readonly Workload[], secret: string): readonly string[] {
  const found = workloads.map(({ name, containers }) => ({ name, containers: containers.filter((each) => receives(each, secret)) }));
  const receiving = found.filter(({ containers }) => containers.length > 0);
  return receiving.flatMap(({ name, containers }) =>
    containers.map((each) => `${receiving.length === 1 ? "" : `${name}: `}${each.role === "init" ? "init " : ""}${each.name}`),
  );
}

/** Objects that name a Secret and are not workloads, such as a Role, or a ConfigMap with a pod's template. */
export function mentionsOf(objects: readonly JsonObject[], secret: string): readonly string[] {
  const pattern = new RegExp(`(?<![\\w-])${secret}(?![\\w-])`);
  const others = objects.filter((object) => templateOf(object) === null && object.kind !== "Secret");
  // An annotation with the Secret's name is for Reloader.
  const naming = others.filter((object) =>
    pattern.test(JSON.stringify(object, (key, value) => (key === "annotations" ? undefined : value))),
  );
  return naming.map(({ kind, metadata }) => `${kind}/${objectAt(metadata).name}`).sort();
}

function templateOf(object: JsonObject): JsonObject | null {
  const { kind, spec } = object;
  if (kind === "Pod") return object;
  const outer = kind === "PodTemplate" ? object : objectAt(kind === "CronJob" ? objectAt(objectAt(spec).jobTemplate).spec : spec);
  return isObject(outer.template) && isObject(objectAt(outer.template).spec) ? objectAt(outer.template) : null;
}

const objectAt = (value: unknown): JsonObject => (isObject(value) ? (value as JsonObject) : {});
const listAt = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? (value as readonly JsonObject[]) : []);
const textsAt = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(objectAt(value)).map(([key, text]) => [key, String(text)]));

function toWorkload(object: JsonObject, template: JsonObject, objects: readonly JsonObject[], namespace: string | null): Workload {
  const { name, labels, annotations, namespace: its = namespace } = objectAt(object.metadata);
  const pods = podsOf(object, objects);
  const pod = objectAt(template.spec);
  const reloads = { ...textsAt(annotations), ...textsAt(objectAt(template.metadata).annotations) };
  const inits = listAt(pod.initContainers).map((each) =>
    toContainer(each, each.restartPolicy === "Always" ? "sidecar" : "init", pod, objects),
  );
  return {
    kind: String(object.kind),
    name: String(name),
    labels: textsAt(labels),
    reloads: Object.fromEntries(Object.entries(reloads).filter(([key]) => key.includes("reloader"))),
    serviceAccount: (pod.serviceAccountName ?? pod.serviceAccount ?? null) as string | null,
    ...(its === namespace ? {} : { namespace: String(its) }),
    ...(pods === 1 ? {} : { pods }),
    ...(overlaps(object) ? {} : { recreates: true }),
    containers: [...inits, ...listAt(pod.containers).map((each) => toContainer(each, "main", pod, objects))],
  };
}

/** Whether a new pod may start while an old one runs. */
function overlaps({ spec }: JsonObject): boolean {
  const { type, rollingUpdate } = objectAt(objectAt(spec).strategy);
  return type !== "Recreate" && objectAt(rollingUpdate).maxSurge !== 0;
}

/** The maximum of its autoscaler, if it has one. */
function podsOf({ kind, metadata, spec }: JsonObject, objects: readonly JsonObject[]): number {
  const { name } = objectAt(metadata);
  const scaled = objects
    .map((object) => objectAt(object.spec))
    .filter(({ scaleTargetRef }) => {
      const target = objectAt(scaleTargetRef);
      return target.name === name && (target.kind ?? "Deployment") === kind;
    });
  // KEDA's default is 100.
  const most = scaled.map(({ maxReplicas, maxReplicaCount }) => Number(maxReplicas ?? maxReplicaCount ?? 100));
  return Math.max(Number(objectAt(spec).replicas ?? 1), ...most);
}

function toContainer(container: JsonObject, role: Container["role"], pod: JsonObject, objects: readonly JsonObject[]): Container {
  const texts = [container.command, container.args].flatMap((list) => (Array.isArray(list) ? list : []));
  const { startupProbe: startup, readinessProbe: readiness, livenessProbe: liveness, lifecycle } = container;
  const calls = { startup, readiness, liveness, ...objectAt(lifecycle) };
  const probes = Object.entries(calls).flatMap(([kind, call]) => {
    const probe = objectAt(call);
    return Object.keys(probe).length === 0 ? [] : [[kind, toProbe(probe)] as const];
  });
  return {
    name: String(container.name),
    role,
    image: String(container.image ?? ""),
    args: texts.map((text, index) => (SCRIPT.test(String(texts[index - 1])) ? digestOf(String(text)) : factOf(String(text)))),
    // Whole objects come first, because a variable with a name takes precedence.
    env: [
      ...listAt(container.envFrom).flatMap((each) => allOf(each, objects)),
      ...listAt(container.env).map((each) => toVariable(each, objects)),
    ],
    mounts: listAt(container.volumeMounts).map((each) => toMount(each, listAt(pod.volumes), objects)),
    ports: listAt(container.ports).map((port) => Number(port.containerPort)),
    probes: Object.fromEntries(probes),
  };
}

function toProbe({ httpGet, exec, tcpSocket, grpc }: JsonObject): string {
  if (isObject(httpGet)) return `GET ${String(httpGet.path)} ${String(httpGet.port)}`;
  if (isObject(exec)) return `exec ${digestOf(((exec.command ?? []) as readonly string[]).join(" "))}`;
  if (isObject(tcpSocket)) return `TCP ${String(tcpSocket.port)}`;
  return isObject(grpc) ? `gRPC ${String(grpc.port)}` : "";
}

function dataOf(kind: string, name: unknown, objects: readonly JsonObject[]): Readonly<Record<string, string>> {
  const found = objects.find((object) => object.kind === kind && objectAt(object.metadata).name === name);
  return textsAt({ ...objectAt(found?.data), ...objectAt(found?.stringData) });
}

/** Every key of an object, without the values of a Secret. */
function allOf({ prefix = "", secretRef, configMapRef }: JsonObject, objects: readonly JsonObject[]): readonly Variable[] {
  const [kind, ref] = isObject(secretRef) ? ["Secret", secretRef as JsonObject] : ["ConfigMap", objectAt(configMapRef)];
  const from = `${kind}/${String(ref.name)}`;
  const data = Object.entries(dataOf(kind, ref.name, objects));
  if (data.length === 0) return [{ name: null, from }];
  const textOf = (value: string) => (kind === "Secret" ? {} : { value: factOf(value) });
  return data.map(([key, value]) => ({ name: `${prefix}${key}`, from, key, ...textOf(value) }));
}

function toVariable({ name: given, value, valueFrom }: JsonObject, objects: readonly JsonObject[]): Variable {
  const name = String(given);
  if (!isObject(valueFrom)) return { name, from: null, value: factOf(String(value ?? "")) };
  const { secretKeyRef, configMapKeyRef } = valueFrom as JsonObject;
  const { name: object, key } = objectAt(secretKeyRef ?? configMapKeyRef);
  if (object === undefined) return { name, from: "field" };
  if (secretKeyRef !== undefined) return { name, from: `Secret/${String(object)}`, key: String(key) };
  const text = dataOf("ConfigMap", object, objects)[String(key)];
  return { name, from: `ConfigMap/${String(object)}`, key: String(key), ...(text === undefined ? {} : { value: factOf(text) }) };
}

function toMount(
  { name, mountPath, subPath, readOnly }: JsonObject,
  volumes: readonly JsonObject[],
  objects: readonly JsonObject[],
): Mount {
  const volume = objectAt(volumes.find((each) => each.name === name));
  const parts = isObject(volume.projected) ? listAt(objectAt(volume.projected).sources) : [volume];
  return {
    path: String(mountPath),
    ...(subPath === undefined ? {} : { subPath: String(subPath) }),
    readOnly: readOnly === true,
    sources: parts.map((part) => toSource(part, objects)),
  };
}

function toSource({ name: _name, ...volume }: JsonObject, objects: readonly JsonObject[]): Source {
  const { secret, configMap } = volume;
  const items = (of: unknown) => {
    const chosen = listAt(objectAt(of).items).map(({ key, path }) => [String(key), String(path)] as const);
    return chosen.length === 0 ? {} : { items: Object.fromEntries(chosen) };
  };
  if (isObject(secret)) return { from: `Secret/${String(secret.secretName ?? secret.name)}`, ...items(secret) };
  if (!isObject(configMap)) return { from: Object.keys(volume)[0] ?? "" };
  const files = Object.entries(dataOf("ConfigMap", configMap.name, objects)).flatMap(([file, text]) => {
    const sections = databaseSections(text);
    return sections === null ? [] : [[file, sections] as const];
  });
  return {
    from: `ConfigMap/${String(configMap.name)}`,
    ...items(configMap),
    ...(files.length === 0 ? {} : { files: Object.fromEntries(files) }),
  };
}

/** The parts of a configuration file about logging in: the sections called `database`, with their paths. */
function databaseSections(text: string): JsonObject | null {
  const pick = (value: unknown): Json | undefined => {
    if (!isObject(value)) return undefined;
    const picked = Object.entries(value as JsonObject).flatMap(([key, child]) => {
      const kept = key.toLowerCase() === "database" ? child : pick(child);
      return kept === undefined || kept === null ? [] : [[key, kept] as const];
    });
    return picked.length === 0 ? undefined : Object.fromEntries(picked);
  };
  try {
    return (pick(parse(text, { logLevel: "error" })) as JsonObject | undefined) ?? null;
  } catch {
    return null;
  }
}
