import type { CommonFields } from "../../model/common-fields";
import { list, type Settings, text } from "../../model/fields";
import { isObject } from "../../model/json";

const nameOf = (letters: string): string => {
  const label = `[${letters}]([${letters}-]{0,61}[${letters}])?`;
  return `${label}(\\.${label})*`;
};
const NAME = nameOf("a-z0-9");
const PATTERN = nameOf("a-z0-9*");
const PORT = "(?:[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])";

export const hostFields = {
  hosts: list(
    text({
      pattern: new RegExp(`^${PATTERN}(:(${PORT}|\\*))?$`),
      form: "a host in lower case, such as mlflow.example.com or *.example.com:8443, without scheme and path",
    }),
  ),
  origins: list(
    text({
      // Exact: MLflow matches `*` as a wildcard, but Flask-CORS as a regular expression that is open at its end.
      pattern: new RegExp(`^(\\*|https?://${NAME}(:${PORT})?)$`),
      form: "an origin in lower case without wildcards, such as https://portal.example.com, or * for every site",
    }),
  ),
};

/** Top-level names that nobody can register on the internet. */
const PRIVATE = ["internal", "local", "localhost", "svc", "lan", "home", "corp", "intranet", "private", "test"];

/** Whether an entry of `hosts` also matches names that strangers can register; a range of addresses counts as one of a private network. */
export function matchesStrangers(host: string): boolean {
  const [name = ""] = host.split(":");
  const labels = name.split(".");
  const last = labels.findLastIndex((label) => label.includes("*"));
  if (last === -1 || /^\d+\.[\d.*]+$/.test(name)) return false;
  const fixed = labels.slice(last + 1);
  return fixed.length === 0 || (fixed.length === 1 && !PRIVATE.includes(fixed[0] ?? ""));
}

type HostSettings = Pick<Settings<typeof hostFields & CommonFields>, "hosts" | "origins" | "release" | "namespace" | "values">;

/**
 * What MLflow allows by default, until any host is listed: this machine (`kubectl port-forward`) and private addresses
 * (scrapers, load balancers). Probes need none of them: `/health` and `/version` answer to any Host. Python's `fnmatch` reads the entries
 * with a `*`; a bracket of an IPv6 address is written `[[]` in these.
 *
 * https://github.com/mlflow/mlflow/blob/v3.15.1/mlflow/server/security_utils.py
 */
const OWN_DEFAULTS: readonly string[] = [
  ...["localhost", "127.0.0.1", "0.0.0.0"].flatMap(withPorts),
  "[::1]",
  "[[]::1]:*",
  "10.*",
  "172.1[6-9].*",
  "172.2[0-9].*",
  "172.3[01].*",
  "192.168.*",
  "[[]f[cd]*",
];

/** Returns the hosts that MLflow accepts: its own defaults, its Service, and the spec's. MLflow compares ports, so each name appears twice. */
export function allowedHosts({ hosts, ...settings }: HostSettings): readonly string[] {
  const named = hosts.flatMap((host) => (host.includes(":") ? [host] : withPorts(host)));
  const service = serviceHosts(settings);
  return [...new Set([...OWN_DEFAULTS, ...[...service, `${service.at(-1)}.`].flatMap(withPorts), ...named])];
}

/**
 * Returns the origins of pages that may change data. MLflow does not compare an Origin with the Host: it rejects its own pages under every
 * name except `localhost` until their origin is listed. Hosts with a wildcard add none, see `origins`.
 */
export function allowedOrigins({ hosts, origins, ...settings }: HostSettings): readonly string[] {
  const exact = hosts.filter((host) => !host.includes("*"));
  const port = servicePort(settings);
  const own = serviceHosts(settings).map((host) => `http://${host}${port === 80 ? "" : `:${port}`}`);
  return [...new Set([...own, ...exact.flatMap((host) => [`https://${host}`, `http://${host}`]), ...origins])];
}

/** Returns the names of a Service: in its namespace, and in others. */
function serviceHosts({ release, namespace }: Pick<HostSettings, "release" | "namespace">): readonly string[] {
  return [release, `${release}.${namespace}`, `${release}.${namespace}.svc`, `${release}.${namespace}.svc.cluster.local`];
}

/** Returns the chart's own port, unless `values` change it; a browser omits 80 from an Origin. */
function servicePort({ values: { service } }: Pick<HostSettings, "values">): number {
  return isObject(service) && typeof service.port === "number" ? service.port : 80;
}

function withPorts(host: string): readonly string[] {
  return [host, `${host}:*`];
}
