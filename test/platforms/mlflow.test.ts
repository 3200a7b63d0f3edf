import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import { type ContractCase, DIRECT, refusal, wire } from "../contract/case";
import { cases } from "../fixtures/cases";

const mlflow = cases.find((each) => each.title === "MLflow") as ContractCase;
const wired = (settings: JsonObject) => wire({ ...mlflow, settings }, DIRECT).wiring;
const valuesOf = (settings: JsonObject) => {
  const { release } = wired(settings);
  return (release.kind === "helm" ? release.values : {}) as unknown as {
    readonly serverAllowedHosts: readonly string[];
    readonly corsAllowedOrigins: readonly string[];
  };
};

/** What MLflow 3.15.1 allows while nothing is named: `get_default_allowed_hosts()` in `mlflow/server/security_utils.py`, in fewer patterns. */
const DEFAULTS = [
  ...["localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", "0.0.0.0", "0.0.0.0:*", "[::1]", "[[]::1]:*"],
  ...["10.*", "172.1[6-9].*", "172.2[0-9].*", "172.3[01].*", "192.168.*", "[[]f[cd]*"],
];

/** A double of MLflow's `is_allowed_host_header`, with Python's `fnmatch`; `npm run proof:servers` asks the real server. */
function answers(allowed: readonly string[], host: string): boolean {
  const toRegExp = (pattern: string) =>
    new RegExp(
      `^${pattern.replaceAll(/\[[^\]]*\]|./g, (part) => (part === "*" ? ".*" : part.length > 1 ? part.replace("[[]", "\\[") : part.replace(/[.[\]]/, "\\$&")))}$`,
    );
  return allowed.includes("*") || allowed.some((entry) => (entry.includes("*") ? toRegExp(entry).test(host) : entry === host));
}

describe("MLflow's hosts", () => {
  it("are its own defaults and its Service, at any port, in every form that a cluster resolves", () => {
    expect(valuesOf({}).serverAllowedHosts).toEqual([
      ...DEFAULTS,
      ...["mlflow", "mlflow:*", "mlflow.mlflow", "mlflow.mlflow:*", "mlflow.mlflow.svc", "mlflow.mlflow.svc:*"],
      ...["mlflow.mlflow.svc.cluster.local", "mlflow.mlflow.svc.cluster.local:*"],
      ...["mlflow.mlflow.svc.cluster.local.", "mlflow.mlflow.svc.cluster.local.:*"],
    ]);
  });

  it("follow the release's name and namespace", () => {
    const { serverAllowedHosts, corsAllowedOrigins } = valuesOf({ release: "tracking", namespace: "research" });
    expect(serverAllowedHosts.filter((host) => !DEFAULTS.includes(host) && !host.includes("*"))).toEqual([
      "tracking",
      "tracking.research",
      "tracking.research.svc",
      "tracking.research.svc.cluster.local",
      "tracking.research.svc.cluster.local.",
    ]);
    expect(corsAllowedOrigins).toEqual([
      "http://tracking",
      "http://tracking.research",
      "http://tracking.research.svc",
      "http://tracking.research.svc.cluster.local",
    ]);
  });

  it("take what the spec adds: at any port without one, else at that port", () => {
    const own = valuesOf({}).serverAllowedHosts.length;
    const hosts = ["mlflow.example.com", "10.example.com:8443", "*.ml.example.com", "lab:*"];
    expect(valuesOf({ hosts }).serverAllowedHosts.slice(own)).toEqual([
      "mlflow.example.com",
      "mlflow.example.com:*",
      "10.example.com:8443",
      "*.ml.example.com",
      "*.ml.example.com:*",
      "lab:*",
    ]);
  });

  it.each([
    ["mlflow", true],
    ["mlflow:80", true],
    ["mlflow.mlflow:5000", true],
    ["mlflow.mlflow.svc.cluster.local", true],
    ["mlflow.mlflow.svc.cluster.local.:5000", true],
    ["localhost:33211", true],
    ["[::1]:5000", true],
    ["10.42.0.7:5000", true],
    ["172.31.255.1", true],
    ["[fd12::7]:5000", true],
    ["mlflow.example.com", true],
    ["mlflow.example.com:8443", true],
    ["172.32.0.1", false],
    ["mlflow.evil.example", false],
    ["mlflow.mlflow.svc.evil.example", false],
    ["notmlflow", false],
    ["other.example.com", false],
  ])("answer a request for %s: %s", (host, allowed) => {
    expect(answers(valuesOf({ hosts: ["mlflow.example.com"] }).serverAllowedHosts, host)).toBe(allowed);
  });

  it("let pages change something from where they were loaded, and from the origins that the spec adds", () => {
    const spec = { hosts: ["mlflow.example.com", "lab.example.com:8443", "*.ml.example.com"], origins: ["https://portal.example.com"] };
    expect(valuesOf(spec).corsAllowedOrigins.slice(4)).toEqual([
      "https://mlflow.example.com",
      "http://mlflow.example.com",
      "https://lab.example.com:8443",
      "http://lab.example.com:8443",
      "https://portal.example.com",
    ]);
  });

  it("are named in README.txt as long as the spec adds none", () => {
    const note =
      "MLflow answers its Service's names, localhost and private addresses; list any other host, such as an ingress's, in hosts.";
    expect(wired({}).notes).toContain(note);
    expect(wired({ hosts: ["mlflow.example.com"] }).notes).not.toContain(note);
  });

  it("give no origin with a wildcard, which Flask-CORS reads as a regular expression with an open end", () => {
    const { corsAllowedOrigins } = valuesOf({ hosts: ["*.example.com", "mlflow.example.com:*"] });
    expect(corsAllowedOrigins.filter((origin) => /[*\\\]?$^[()]/.test(origin))).toEqual([]);
  });

  it("follow the port that values give the Service", () => {
    const { corsAllowedOrigins, serverAllowedHosts } = valuesOf({ values: { service: { port: 5000 } } });
    expect(corsAllowedOrigins[0]).toBe("http://mlflow:5000");
    expect(answers(serverAllowedHosts, "mlflow:5000")).toBe(true);
  });

  it("stay MLflow's own on this machine, unless the spec names some", () => {
    const named = (settings: JsonObject) => Object.keys(wired(settings).variables).filter((name) => name.startsWith("MLFLOW_SERVER_"));
    expect(named({})).toEqual(["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"]);
    const { variables } = wired({ hosts: ["mlflow.example.com"] });
    expect(variables).toMatchObject({
      MLFLOW_SERVER_ALLOWED_HOSTS: valuesOf({ hosts: ["mlflow.example.com"] }).serverAllowedHosts.join(","),
      MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: valuesOf({ hosts: ["mlflow.example.com"] }).corsAllowedOrigins.join(","),
    });
  });
});

describe("a spec of MLflow", () => {
  const HOST = "must be a host in lower case, such as mlflow.example.com or *.example.com:8443, without scheme and path";
  const ORIGIN = "must be an origin in lower case without wildcards, such as https://portal.example.com, or * for every site";

  it.each([
    ["hosts", "https://mlflow.example.com", HOST],
    ["hosts", "mlflow.example.com/mlflow", HOST],
    ["hosts", "MLflow.example.com", HOST],
    ["hosts", "a.example.com,b.example.com", HOST],
    ["hosts", "mlflow.example.com:0", HOST],
    ["hosts", "mlflow..example.com", HOST],
    ["hosts", "", HOST],
    ["origins", "portal.example.com", ORIGIN],
    ["origins", "https://portal.example.com/", ORIGIN],
    ["origins", "https://*.example.com", ORIGIN],
    ["origins", "https://portal-*-1.example.com", ORIGIN],
  ])("refuses %s with %s", (field, written, rule) => {
    expect(refusal(mlflow, { [field]: [written] })).toBe(
      `invalid spec:\n  - platforms.mlflow.${field}[0]: ${rule}, got ${JSON.stringify(written)}`,
    );
  });

  it.each(["1.9.0", "1.8.6"])("refuses chart %s, which cannot take its hosts", (chartVersion) => {
    expect(refusal(mlflow, { chartVersion })).toBe(
      `invalid spec:\n  - platforms.mlflow.chartVersion: must be 1.10.0 or newer, got "${chartVersion}"; use 1.11.5, the newest verified [mlflow-chart-supported]`,
    );
  });

  it.each([
    [{ extraEnvVars: { MLFLOW_SERVER_ALLOWED_HOSTS: "x" } }, "extraEnvVars.MLFLOW_SERVER_ALLOWED_HOSTS", "hosts"],
    [{ extraEnvVars: { MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: "x" } }, "extraEnvVars.MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "origins"],
    [{ serverAllowedHosts: ["x"] }, "serverAllowedHosts", "hosts"],
    [{ corsAllowedOrigins: ["x"] }, "corsAllowedOrigins", "origins"],
    [{ extraArgs: { "allowed-hosts": "x" } }, "extraArgs.allowed-hosts", "hosts"],
  ])("sends %o to its setting", (values, path, setting) => {
    expect(refusal(mlflow, { values })).toBe(
      `invalid spec:\n  - platforms.mlflow.values.${path}: is set by the wiring; use platforms.mlflow.${setting}`,
    );
  });
});
