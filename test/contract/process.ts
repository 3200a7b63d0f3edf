import { stringify } from "yaml";
import type { Container, Source, Variable } from "../../infra/charts/workloads";

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
  /** What bounds a dead connection, as libpq writes it: `connect_timeout=10 tcp_user_timeout=15000`. */
  readonly bounds: string;
}

/** The Secrets and ConfigMaps that a platform's namespace gets from us: their data, by kind and name. */
export type Namespace = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A container as Kubernetes starts it: variables from their sources, mounted files, `$(NAME)` in variables and arguments. */
export function start({ args, env, mounts }: Container, namespace: Namespace): Process {
  const variables: Record<string, string> = {};
  const expanded = (text: string) => text.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => variables[name] ?? whole);
  for (const variable of env)
    for (const [name, text] of valuesOf(variable, namespace)) variables[name] = variable.from === null ? expanded(text) : text;
  const files = mounts.flatMap(({ path, subPath, sources }) =>
    sources
      .flatMap((source) => Object.entries(contentOf(source, namespace)))
      .filter(([file]) => subPath === undefined || file === subPath)
      .map(([file, text]) => [subPath === undefined ? `${path}/${file}` : path, text] as const),
  );
  return {
    args: args.map(expanded),
    env: variables,
    files: Object.fromEntries(files),
  };
}

function valuesOf({ name, from, key, value }: Variable, namespace: Namespace): readonly (readonly [string, string])[] {
  const data = namespace[from ?? ""];
  if (name === null) return Object.entries(data ?? {});
  if (data === undefined) return [[name, value ?? `whatever ${from} has`]];
  const text = data[key ?? ""];
  if (text === undefined) throw new Error(`${name} reads the key ${key} of ${from}, which is not there`);
  return [[name, text]];
}

function contentOf({ from, items, files = {} }: Source, namespace: Namespace): Readonly<Record<string, string>> {
  const rendered = Object.fromEntries(Object.entries(files).map(([file, content]) => [file, stringify(content)]));
  const data = namespace[from] ?? rendered;
  return items === undefined
    ? data
    : Object.fromEntries(Object.entries(items).flatMap(([key, file]) => (data[key] === undefined ? [] : [[file, data[key]]])));
}
