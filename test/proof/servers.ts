import { type ContractCase, DIRECT, wire } from "../contract/case";
import { cases } from "../fixtures/cases";
import { ReaderProof } from "./reader";
import { MLFLOW, posting, type Server, StartedEnvironment, status, stop, written } from "./started";
import { type Proof, report } from "./tools";

const PREFECT: Server = { name: "prefect", health: "/api/ready", write: { path: "/api/flows/", body: { name: "proof" } } };

const started = new StartedEnvironment("local");
const reader = new ReaderProof(started);

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
function release(): readonly Proof[] {
  const mlflow = cases.find(({ title }) => title === "MLflow") as ContractCase;
  const { release } = wire({ ...mlflow, settings: { hosts: ["mlflow.example.com"] } }, DIRECT).wiring;
  if (release.kind !== "helm") throw new TypeError("MLflow is a Helm release");
  const { serverAllowedHosts, corsAllowedOrigins } = release.values as unknown as Record<string, readonly string[]>;
  const { url, group } = started.serve(MLFLOW, {
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
  const proofs = names(url, { ...all(known, 200), ...all(unknown, 403) }, { ...all(pages, 200), ...all(others, 403) }, "released");
  stop(group);
  return proofs;
}

async function prove(): Promise<readonly Proof[]> {
  started.begin();
  const installed = [MLFLOW, PREFECT].map((server) => started.install(server));
  if (installed.some(({ problem }) => problem !== null)) return installed;
  const servers = [MLFLOW, PREFECT].map((server) => ({ ...server, ...started.serve(server) }));
  const wrote = servers.map((server) => written(server, server));
  const doctor = started.command("doctor", ...servers.flatMap(({ name, url }) => ["--url", `${name}=${url}`]));
  const checked = {
    what: "npm run doctor finds both, at the revisions that it expects",
    problem: doctor.code === 0 ? null : doctor.output,
    shown: doctor.output.trim(),
  };
  const [mlflow] = servers;
  const before = names(
    mlflow?.url ?? "",
    { ...all(SERVICE, 403), "localhost:5000": 200 },
    { "http://mlflow": 403, "http://localhost:3000": 200 },
    "MLflow by itself",
  );
  for (const { group } of servers) stop(group);
  return [...installed, ...wrote, checked, ...before, ...release(), ...(await reader.prove())];
}

void report(prove, async () => {
  started.remove();
  await reader.remove();
});
