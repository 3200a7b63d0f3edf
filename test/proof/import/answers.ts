/** What a server answered, by the question. */
export type Answers = ReadonlyMap<string, unknown>;

/** Asks a server. @throws Error with the answer unless it is a success. */
export async function ask(url: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const post = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
  const answer = await fetch(`${url}${path}`, body === undefined ? { headers } : post);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text.replaceAll(TOKEN, (token) => (/^-?[NI]/.test(token) || /^-?\d{16}/.test(token) ? `"${token}"` : token)));
}

/** A string, or a number: Python also writes NaN, and integers of which a double keeps only a part. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/gs;

/** Where a list has the same values in another order. */
const REORDERED = " in another order";

/** Paths at which two answers differ, without the places in lists: `runs[].info`. The order of an object's keys does not count. */
export function differences(a: unknown, b: unknown, path = ""): readonly string[] {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return [`${path} (${a.length} and ${b.length})`];
    const inOrder = compareLists(a, b, path);
    // Entries with a name are matched by it, in any order.
    const [byName, byNameToo] = [byNames(a), byNames(b)];
    if (inOrder.length === 0 || String(byName.map(nameOf)) !== String(byNameToo.map(nameOf))) return inOrder;
    const isMoved = String(a.map(nameOf)) !== String(b.map(nameOf));
    return isMoved ? [`${path}${REORDERED}`, ...compareLists(byName, byNameToo, path)] : inOrder;
  }
  if (isObject(a) && isObject(b))
    return unique([...Object.keys(a), ...Object.keys(b)]).flatMap((key) =>
      differences(a[key], b[key], path === "" ? key : `${path}.${key}`),
    );
  return Object.is(a, b) ? [] : [path];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

const compareLists = (a: readonly unknown[], b: readonly unknown[], path: string): readonly string[] =>
  unique(a.flatMap((each, index) => differences(each, b[index], `${path}[]`)));
const nameOf = (value: unknown): string => (isObject(value) ? String(value.id ?? value.key) : JSON.stringify(value));
const byNames = (list: readonly unknown[]): readonly unknown[] => [...list].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));

/** How many answers two servers gave, where they differ, and what is only in another order, by question. */
export function compareAnswers(a: Answers, b: Answers) {
  const questions = unique([...a.keys(), ...b.keys()]);
  const found = questions.flatMap((question) => {
    const paths = a.has(question) && b.has(question) ? differences(a.get(question), b.get(question)) : ["asked of one only"];
    return paths.map((path) => ({ question: question.split(" ")[0], path }));
  });
  const said = (isOrder: boolean) =>
    unique(found.filter(({ path }) => path.endsWith(REORDERED) === isOrder).map(({ question, path }) => `${question}: ${path}`));
  return { questions: questions.length, differing: said(false), reordered: said(true) };
}

type Json = Readonly<Record<string, unknown>>;
const list = (answer: unknown, key: string): readonly Json[] => ((answer as Json)[key] ?? []) as readonly Json[];

/** Everything that MLflow's API lists. */
export async function answersOfMlflow(url: string): Promise<Answers> {
  const answers = new Map<string, unknown>();
  const put = async (path: string, body?: unknown, key = "") => {
    const answer = await ask(url, path, body);
    answers.set(`${path.replace(/^\/(ajax-)?api\/\d\.0\/mlflow\//, "")}${body === undefined ? "" : ` ${JSON.stringify(body)}`}`, answer);
    return list(answer, key);
  };
  const experiments = await put("/api/2.0/mlflow/experiments/search", { max_results: 1_000, view_type: "ALL" }, "experiments");
  const ids = experiments.map(({ experiment_id: id }) => id);
  const runs = await put("/api/2.0/mlflow/runs/search", { experiment_ids: ids, run_view_type: "ALL", max_results: 5_000 }, "runs");
  for (const { info, data } of runs) {
    const id = (info as Json).run_id;
    for (const { key } of list(data, "metrics"))
      await put(`/api/2.0/mlflow/metrics/get-history?run_id=${id}&metric_key=${encodeURIComponent(String(key))}`);
    await put(`/api/2.0/mlflow/artifacts/list?run_id=${id}`);
  }
  const models = await put("/api/2.0/mlflow/registered-models/search?max_results=1000", undefined, "registered_models");
  await put("/api/2.0/mlflow/model-versions/search?max_results=1000");
  for (const { name } of models) await put(`/api/2.0/mlflow/registered-models/get?name=${encodeURIComponent(String(name))}`);
  await put("/api/2.0/mlflow/logged-models/search", { experiment_ids: ids });
  const locations = ids.map((id) => ({ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: id } }));
  const traces = await put("/api/3.0/mlflow/traces/search", { locations, max_results: 500 }, "traces");
  for (const { trace_id: id } of traces) await put(`/api/3.0/mlflow/traces/get?trace_id=${id}`);
  return answers;
}

/** Of a Prefect's API, what it lists, by path. */
const LISTS = [
  "flows",
  "deployments",
  "flow_runs",
  "task_runs",
  "artifacts",
  "artifacts/latest",
  "variables",
  "work_pools",
  "block_types",
  "block_schemas",
  "concurrency_limits",
  "v2/concurrency_limits",
  "automations",
  "logs",
];

/** Everything that Prefect's API lists, and its secrets decrypted. */
export async function answersOfPrefect(url: string): Promise<Answers> {
  const answers = new Map<string, unknown>();
  const put = async (path: string, body?: unknown) => {
    const answer = await ask(url, `/api/${path}`, body);
    answers.set(`${path} ${body === undefined ? "" : JSON.stringify(body)}`, answer);
    return answer as readonly Json[];
  };
  for (const path of LISTS) await put(`${path}/filter`, { limit: 200 });
  await put("block_documents/filter", { include_secrets: true });
  await put("events/filter", { limit: 50, filter: { occurred: { since: "2020-01-01T00:00:00Z", until: "2100-01-01T00:00:00Z" } } });
  for (const { id } of await put("flow_runs/filter", {})) await put(`flow_run_states/?flow_run_id=${id}`);
  for (const { id } of await put("task_runs/filter", {})) await put(`task_run_states/?task_run_id=${id}`);
  return answers;
}
