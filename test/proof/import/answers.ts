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
    const inOrder = unique(a.flatMap((each, index) => differences(each, b[index], `${path}[]`)));
    const isReordered = inOrder.length > 0 && sorted(a) === sorted(b);
    return isReordered ? [`${path}${REORDERED}`] : inOrder;
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
const sorted = (list: readonly unknown[]): string =>
  list
    .map((each) => JSON.stringify(each, (_key, value) => (isObject(value) ? Object.fromEntries(Object.entries(value).sort()) : value)))
    .sort()
    .join();

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
