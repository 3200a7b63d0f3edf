import "../../infra/docs/script";

import type { JsonObject } from "../../constructs/model/json";
import type { Platform, ServerVersion } from "../../constructs/model/platform";
import { platforms } from "../../constructs/platforms/registry";
import { type ContractCase, DIRECT, wire } from "../contract/case";
import { cases } from "../fixtures/cases";
import { ReaderProof } from "./reader";
import { MLFLOW, PREFECT, posting, type Server, StartedEnvironment, status, stop, written } from "./started";
import { type Proof, report } from "./tools";

/** A verified version of a platform's server, by the name that the environment gives it. */
interface Verified extends Server {
  readonly kind: "mlflow" | "prefect";
  readonly version: ServerVersion;
}

/** What an image of that version is called in the spec; nothing is pulled. */
const imageOf = (kind: string, version: string): JsonObject => ({ images: { [kind]: `registry.example/${kind}:${version}` } });

const verified: readonly Verified[] = (
  [
    ["mlflow", MLFLOW],
    ["prefect", PREFECT],
  ] as const
).flatMap(([kind, server]) =>
  ((platforms[kind] as Platform).servers({} as never)?.versions ?? []).map((version) => ({
    ...server,
    kind,
    version,
    // The version of the chart needs no image, and no other name.
    name: version.charts.length > 0 ? kind : `${kind}-${version.version.replaceAll(".", "-")}`,
  })),
);

const started = new StartedEnvironment("local");
const reader = new ReaderProof(started);
started.write({
  name: "local",
  instances: { main: {} },
  platforms: Object.fromEntries(
    verified.map(({ kind, version, name }) => [
      name,
      { platform: kind, ...(version.charts.length === 0 ? imageOf(kind, version.version) : {}) },
    ]),
  ),
});

const proofOf = (what: string, seen: number, wanted: number): Proof => ({
  what,
  problem: seen === wanted ? null : `answered ${seen}, and had to answer ${wanted}`,
  shown: String(seen),
});

/** Whether MLflow answers each Host, and lets each Origin change something. */
function names(
  url: string,
  hosts: Readonly<Record<string, number>>,
  origins: Readonly<Record<string, number>>,
  when: string,
): readonly Proof[] {
  const { path, body } = { path: "/ajax-api/2.0/mlflow/experiments/search", body: { max_results: 1 } };
  return [
    ...Object.entries(hosts).map(([host, wanted]) =>
      proofOf(
        `${when}: Host ${host}`,
        status(`${url}/api/2.0/mlflow/experiments/search?max_results=1`, "--header", `Host: ${host}`),
        wanted,
      ),
    ),
    ...Object.entries(origins).map(([origin, wanted]) =>
      proofOf(`${when}: a page of ${origin}`, status(`${url}${path}`, "--header", `Origin: ${origin}`, ...posting(body)), wanted),
    ),
    proofOf(`${when}: a probe, whatever its Host`, status(`${url}/health`, "--header", "Host: anything.example"), 200),
  ];
}

const SERVICE = ["mlflow", "mlflow.mlflow", "mlflow.mlflow.svc", "mlflow.mlflow.svc.cluster.local"].flatMap((host) => [
  host,
  `${host}:80`,
  `${host}:5000`,
]);
const all = (entries: readonly string[], wanted: number) => Object.fromEntries(entries.map((entry) => [entry, wanted]));

/** MLflow with the hosts and origins of its release, as the chart's ConfigMap gives them to the pod. */
function release(server: Verified): readonly Proof[] {
  const mlflow = cases.find(({ title }) => title === "MLflow") as ContractCase;
  const { release } = wire({ ...mlflow, settings: { hosts: ["mlflow.example.com"] } }, DIRECT).wiring;
  if (release.kind !== "helm") throw new TypeError("MLflow is a Helm release");
  const { serverAllowedHosts, corsAllowedOrigins } = release.values as unknown as Record<string, readonly string[]>;
  const { url, group } = started.serve(server, {
    MLFLOW_SERVER_ALLOWED_HOSTS: serverAllowedHosts?.join(",") ?? "",
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: corsAllowedOrigins?.join(",") ?? "",
  });
  const known = [
    ...SERVICE,
    "mlflow.example.com",
    "mlflow.example.com:8443",
    "localhost:5000",
    "[::1]:5000",
    "10.42.0.7:5000",
    "172.31.0.1",
    "[fd12::7]",
  ];
  const unknown = ["other.example.com", "mlflow.evil.example", "mlflow.mlflow.svc.evil.example", "172.32.0.1"];
  const pages = ["http://mlflow", "http://mlflow.mlflow.svc.cluster.local", "https://mlflow.example.com", "http://localhost:3000"];
  const others = ["https://other.example.com", "https://mlflow.example.com.evil.example", "http://mlflow.evil.example"];
  const proofs = names(
    url,
    { ...all(known, 200), ...all(unknown, 403) },
    { ...all(pages, 200), ...all(others, 403) },
    `${server.name}, released`,
  );
  stop(group);
  return proofs;
}

const PREFECT_SERVICE = ["prefect", "prefect.prefect", "prefect.prefect.svc", "prefect.prefect.svc.cluster.local"].flatMap((host) => [
  host,
  `${host}:4200`,
]);

/** Whether Prefect answers what its clients ask, which takes a query, by each name of its Service. */
const clients = (name: string, url: string): readonly Proof[] =>
  [...PREFECT_SERVICE, "prefect.example.com"].map((host) =>
    proofOf(
      `${name}: a client's query, Host ${host}`,
      status(`${url}/api/flows/filter`, "--header", `Host: ${host}`, ...posting({ limit: 1 })),
      200,
    ),
  );

const again = (server: Verified): Verified => ({ ...server, write: { ...server.write, body: { name: "after the rotation" } } });

/** It migrates, writes, gets a new login, and writes again. */
function runs(server: Verified): readonly Proof[] {
  const { name, kind, version } = server;
  const prepared = [started.install(server), started.migrate(server, kind === "mlflow" ? 3 : 1)];
  if (prepared.some(({ problem }) => problem !== null)) return prepared;
  const first = started.serve(server);
  const wrote = written(server, first);
  const rotated = started.command("rotate", "--platform", name);
  const rotation: Proof = {
    what: `${name} gets a new login`,
    problem: rotated.code === 0 ? null : rotated.output,
    shown: started.shown(rotated.output.trim()),
  };
  const old = written({ ...server, write: { ...server.write, body: { name: "before the restart" } } }, first);
  stop(first.group);
  const second = started.serve(server);
  const rewrote = written(again(server), second);
  const doctor = started.command("doctor", "--all", "--url", `${name}=${second.url}`);
  const schema = doctor.output.split("\n").find((line) => line.includes(` ${name} `) && line.includes("the schema of")) ?? "";
  const checked: Proof = {
    what: `npm run doctor finds ${name} at revision ${version.revision}`,
    problem: doctor.code === 0 && schema.includes(`at revision ${version.revision}`) ? null : doctor.output,
    shown: schema.replaceAll(/[│\s]+/g, " ").trim(),
  };
  const before =
    kind === "mlflow"
      ? names(
          second.url,
          { ...all(SERVICE, 403), "localhost:5000": 200 },
          { "http://mlflow": 403, "http://localhost:3000": 200 },
          `${name} by itself`,
        )
      : clients(name, second.url);
  stop(second.group);
  const steps = [
    { ...wrote, what: `${name} starts by the printed command, and writes` },
    rotation,
    { ...old, what: `${name} still writes before its restart` },
    { ...rewrote, what: `${name} writes with the new login` },
  ];
  return [...prepared, ...steps, checked, ...before, ...(kind === "mlflow" ? release(server) : [])];
}

async function prove(): Promise<readonly Proof[]> {
  started.begin();
  return [...verified.flatMap(runs), ...(await reader.prove())];
}

void report(prove, async () => {
  started.remove();
  await reader.remove();
});
