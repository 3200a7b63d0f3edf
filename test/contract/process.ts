import { isObject, type JsonObject } from "../../constructs/model/json";

/**
 * What reaches one container, given a release: read off a chart's templates or upstream's manifests, and carried over as data.
 * It is a double of what is rendered; rendering the real thing is a proof of its own.
 */
export interface Container {
  readonly name: string;
  /** Command and arguments. */
  readonly args: readonly string[];
  /** As in a pod: `{ name, value }` or `{ name, valueFrom }`. */
  readonly env: readonly JsonObject[];
  readonly volumeMounts: readonly JsonObject[];
  /** The volumes of its pod. */
  readonly volumes: readonly JsonObject[];
  /** Native sidecars that start before it. */
  readonly sidecarsBefore: readonly JsonObject[];
  /** Files that the chart makes itself, by path. */
  readonly files: Readonly<Record<string, string>>;
}

export const container = (name: string, parts: Partial<Container>): Container => ({
  name,
  args: [],
  env: [],
  volumeMounts: [],
  volumes: [],
  sidecarsBefore: [],
  files: {},
  ...parts,
});

/** What a program finds when it starts. */
export interface Process {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

/** What a program then logs in with. */
export interface Login {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly sslmode: string | undefined;
  readonly sslrootcert: string | undefined;
}

/** The Secrets and ConfigMaps of a namespace: their data, by kind and name. */
export type Namespace = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A container as Kubernetes starts it: variables from their sources, mounted files, `$(NAME)` in arguments. */
export function start({ args, env, volumes, volumeMounts, files }: Container, namespace: Namespace): Process {
  const values = Object.fromEntries(env.map((entry) => [String(entry.name), textOf(entry, namespace)]));
  const mounted = volumeMounts.flatMap((mount) => {
    const data = dataOf(
      volumes.find((volume) => volume.name === mount.name),
      namespace,
    );
    return Object.entries(data).map(([key, text]) => [`${String(mount.mountPath)}/${key}`, text] as const);
  });
  return {
    args: args.map((arg) => arg.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => values[name] ?? whole)),
    env: values,
    files: { ...files, ...Object.fromEntries(mounted) },
  };
}

function textOf(entry: JsonObject, namespace: Namespace): string {
  const from = entry.valueFrom as Readonly<Record<string, { readonly name: string; readonly key: string }>> | undefined;
  if (from === undefined) return String(entry.value);
  const [[kind, { name, key }] = ["", { name: "", key: "" }]] = Object.entries(from);
  const text = namespace[`${kind === "secretKeyRef" ? "Secret" : "ConfigMap"}/${name}`]?.[key];
  if (text === undefined) throw new Error(`${String(entry.name)} reads the key ${key} of ${name}, which is not there`);
  return text;
}

function dataOf(volume: JsonObject | undefined, namespace: Namespace): Readonly<Record<string, string>> {
  if (isObject(volume?.secret)) return namespace[`Secret/${String(volume.secret.secretName)}`] ?? {};
  if (isObject(volume?.configMap)) return namespace[`ConfigMap/${String(volume.configMap.name)}`] ?? {};
  return {};
}
