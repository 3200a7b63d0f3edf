import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ChartKeys } from "../../constructs/model/chart-facts";
import { UserError } from "../../constructs/model/errors";
import type { JsonObject } from "../../constructs/model/json";
import type { Chart, HelmRelease, Servers } from "../../constructs/model/platform";
import type { Wired } from "../../constructs/model/wire";
import { readRelease, releaseKey } from "../../infra/charts/renderings";
import { receiversOf, type Workload, workloadsOf } from "../../infra/charts/workloads";
import { toRestart } from "../../infra/instructions";
import { type ContractCase, everyVersion } from "../contract/case";
import { chartFacts } from "../fixtures/chart-facts";
import { toy } from "../fixtures/toy";
import { compareKeys, compareRendered, compareRevisions } from "./compare";
import { chartKeys, unpacked } from "./keys";
import { rightsOf } from "./rights";
import { findChart, findTree } from "./source";

const directory = mkdtempSync(join(tmpdir(), "platform-postgres-charts-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function keysOf(files: Readonly<Record<string, string>>): ReturnType<typeof chartKeys> {
  const chart = mkdtempSync(join(directory, "chart-"));
  for (const [path, content] of Object.entries({ "Chart.yaml": "name: it\n", "values.yaml": "{}\n", ...files })) {
    mkdirSync(dirname(join(chart, path)), { recursive: true });
    writeFileSync(join(chart, path), content);
  }
  return chartKeys(chart);
}

describe("the values of a chart", () => {
  it("are those of its defaults", () => {
    expect(keysOf({ "values.yaml": "a: 1\nb: { c: text, d: {}, e: [], f: null }\n" })).toEqual({
      rejects: { types: false, keys: false },
      keys: { a: "scalar", b: { c: "scalar", d: "object", e: "array", f: "any" }, global: "object" },
      copied: [],
      rows: [],
    });
  });

  it("get their types from its schema, which may know more of them", () => {
    const schema = {
      additionalProperties: false,
      properties: {
        a: { type: ["integer", "null"] },
        b: { properties: { c: { anyOf: [{ type: "string" }, { type: "array" }] } } },
        d: {},
      },
    };
    expect(keysOf({ "values.yaml": "a: 1\nb: { x: 1 }\n", "values.schema.json": JSON.stringify(schema) })).toEqual({
      rejects: { types: true, keys: true },
      keys: { a: "integer|null", b: { c: "string|array", x: "scalar" }, d: "any", global: "object" },
      copied: [],
      rows: [],
    });
  });

  it.each<readonly [string, ChartKeys]>([
    ["{{ .Values.other.name }}", { a: { b: "scalar" }, other: { name: "any" } }],
    ['{{ index .Values "with-dash" "deep" }}', { a: { b: "scalar" }, "with-dash": { deep: "any" } }],
    ["{{- /* for example .Values.example.name */ -}}{{ .Values.a.b }}", { a: { b: "scalar" } }],
    ["{{ if .Values.a }}{{ .Values.a.b }}{{ end }}", { a: { b: "scalar" } }],
    ["{{ with .Values.a }}{{ .b }}{{ end }}{{ toYaml . }}", { a: { b: "scalar" } }],
    ["{{ with .Values.a }}{{ toYaml . | nindent 2 }}{{ end }}", { a: { "*": "any", b: "scalar" } }],
    ["{{ with .Values.a }}{{ range $key, $value := . }}{{ end }}{{ end }}", { a: { "*": "any", b: "scalar" } }],
    ["{{ .Values.a | toYaml | nindent 2 }}", { a: { "*": "any", b: "scalar" } }],
    ['{{ include "common.tplvalues.render" (dict "value" .Values.a "context" $) }}', { a: { "*": "any", b: "scalar" } }],
    ["{{ .Values.a.b }}{{ .Values.c | toYaml }}", { a: { b: "scalar" }, c: "any" }],
    ["{{ toYaml .Values.a }}", { a: { "*": "any", b: "scalar" } }],
    ["{{ range $key, $value := .Values.a }}{{ end }}", { a: { "*": "any", b: "scalar" } }],
  ])("are found in its templates, too: %s", (template, keys) => {
    expect(keysOf({ "values.yaml": "a: { b: 1 }\n", "templates/it.yaml": template }).keys).toEqual({ ...keys, global: "object" });
  });

  it("may be anything within a map that is copied", () => {
    const files = { "values.yaml": "a: { b: { c: 1 } }\n", "templates/it.yaml": "{{ toYaml .Values.a }}" };
    expect(keysOf(files).keys.a).toEqual({ "*": "any", b: { "*": "any", c: "scalar" } });
  });

  it("may be read by its defaults", () => {
    expect(keysOf({ "values.yaml": "a: '{{ .Values.user.name }}'\n" }).keys).toEqual({
      a: "scalar",
      user: { name: "any" },
      global: "object",
    });
  });

  it("of charts below it are their own", () => {
    const files = {
      "Chart.yaml": "dependencies: [{ name: postgresql, alias: database }]\n",
      "values.yaml": "database: { enabled: true }\n",
    };
    expect(keysOf(files).keys).toEqual({ database: "object", global: "object" });
  });
});

const configMap = {
  kind: "ConfigMap",
  metadata: { name: "config" },
  data: { HOST: "db", "db.yaml": "x: 1\nruns: { database: { host: db } }\n" },
};
const pod = {
  serviceAccountName: "runner",
  initContainers: [
    { name: "proxy", image: "proxy:1", restartPolicy: "Always" },
    { name: "migrate", image: "app:1", command: ["sh", "-c", "line\nline"], envFrom: [{ secretRef: { name: "db" } }] },
  ],
  containers: [
    {
      name: "server",
      image: "app:1",
      args: ["serve"],
      envFrom: [{ configMapRef: { name: "config" } }],
      env: [
        { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      ],
      volumeMounts: [{ name: "all", mountPath: "/etc/config", readOnly: true }],
      ports: [{ containerPort: 80 }],
      readinessProbe: { httpGet: { path: "/ready", port: "http" } },
    },
    { name: "exporter", image: "exporter:1" },
  ],
  volumes: [
    {
      name: "all",
      projected: { sources: [{ configMap: { name: "config" } }, { secret: { name: "db", items: [{ key: "ca", path: "ca.pem" }] } }] },
    },
  ],
};
const deployment = (spec: JsonObject = pod): JsonObject => ({
  kind: "Deployment",
  metadata: { name: "it", labels: { app: "it" }, annotations: { "secret.reloader.stakater.com/reload": "db", other: "x" } },
  spec: { template: { spec } },
});

describe("a chart that cannot be read", () => {
  it.each(["folder", "archive"])("is reported: %s", (kind) => {
    const path = mkdtempSync(join(directory, "broken-"));
    const archive = join(path, "it-1.0.0.tgz");
    writeFileSync(archive, "not an archive");
    const read = () => unpacked(kind === "folder" ? path : archive, mkdtempSync(join(directory, "scratch-")));
    expect(read).toThrow(UserError);
    expect(read).toThrow("is not a chart, it has no Chart.yaml");
  });

  it("is reported where it is to be found in a directory that lacks it", () => {
    const chart = { name: "it", repository: "https://charts.example" } as Chart;
    expect(() => findChart("it", chart, "1.0.0", directory)).toThrow("has neither it-1.0.0 nor it-1.0.0.tgz; run helm pull it ");
    expect(() => findTree(chart, "1.0.0", directory)).toThrow("has no it-1.0.0; check out https://charts.example there at 1.0.0");
  });

  it("is this project's own one in a version that it does not have", () => {
    const chart = { name: "skillflaw", repository: null };
    expect(() => findChart("skillflaw", chart, "9.9.9", null)).toThrow(UserError);
    expect(findChart("skillflaw", chart, "0.1.0", null).path).toMatch(/skillflaw.chart$/);
  });
});

describe("a rendered workload", () => {
  const [workload] = workloadsOf([configMap, deployment(), { kind: "Service", metadata: { name: "it" }, spec: {} }]);

  it("is what starts in which order, and what each container gets", () => {
    expect(workload).toMatchObject({ kind: "Deployment", name: "it", labels: { app: "it" }, serviceAccount: "runner" });
    expect(workload?.reloads).toEqual({ "secret.reloader.stakater.com/reload": "db" });
    expect(workload?.containers.map(({ name, role }) => [name, role])).toEqual([
      ["proxy", "sidecar"],
      ["migrate", "init"],
      ["server", "main"],
      ["exporter", "main"],
    ]);
    expect(workload?.containers[2]).toEqual({
      name: "server",
      role: "main",
      image: "app:1",
      args: ["serve"],
      env: [
        { name: "HOST", from: "ConfigMap/config", key: "HOST", value: "db" },
        { name: "db.yaml", from: "ConfigMap/config", key: "db.yaml", value: expect.stringMatching(/^sha256:[0-9a-f]{16}$/) },
        { name: "PASSWORD", from: "Secret/db", key: "password" },
        { name: "IP", from: "field" },
      ],
      mounts: [
        {
          path: "/etc/config",
          readOnly: true,
          sources: [
            { from: "ConfigMap/config", files: { "db.yaml": { runs: { database: { host: "db" } } } } },
            { from: "Secret/db", items: { ca: "ca.pem" } },
          ],
        },
      ],
      ports: [80],
      probes: { readiness: "GET /ready http" },
    });
  });

  it("holds digests in place of somebody's code", () => {
    const [script] = workloadsOf([deployment({ containers: [{ name: "it", command: ["sh", "-ec", "init && serve"], args: ["--all"] }] })]);
    expect(script?.containers[0]?.args).toEqual(["sh", "-ec", expect.stringMatching(/^sha256:[0-9a-f]{16}$/), "--all"]);
    expect(workload?.containers[1]?.args).toEqual(["sh", "-c", expect.stringMatching(/^sha256:[0-9a-f]{16}$/)]);
  });

  it.each(["CronJob", "Job", "StatefulSet", "DaemonSet"])("may be a %s", (kind) => {
    const spec = { template: { spec: pod } };
    const object = { kind, metadata: { name: "it" }, spec: kind === "CronJob" ? { jobTemplate: { spec } } : spec };
    expect(workloadsOf([object])[0]?.containers).toHaveLength(4);
  });

  it("names the containers that get a Secret, by variables, by all of its keys, and by mounts", () => {
    expect(receiversOf(workload === undefined ? [] : [workload], "db")).toEqual(["init migrate", "server"]);
    const mounting = {
      containers: [{ name: "server", volumeMounts: [{ name: "v", mountPath: "/x" }] }],
      volumes: [{ name: "v", secret: { secretName: "db" } }],
    };
    expect(receiversOf(workloadsOf([deployment(mounting)]), "db")).toEqual(["server"]);
    expect(receiversOf(workloadsOf([deployment(mounting)]), "other")).toEqual([]);
  });
});

describe("a release", () => {
  const skillflaw = { chart: "skillflaw", version: "0.1.0" };
  const release = {
    kind: "helm",
    repository: null,
    chart: "skillflaw",
    version: "0.1.0",
    values: { a: 1, b: [2] },
  } as unknown as HelmRelease;

  it("that was not rendered is one to render", () => {
    expect(() => readRelease("skillflaw", skillflaw, release)).toThrow(
      "skillflaw 0.1.0 has not been rendered with these values; run npm run charts",
    );
    expect(() => readRelease("skillflaw", { ...skillflaw, version: "9.9.9" }, release)).toThrow(
      "skillflaw 9.9.9 has not been rendered; run npm run charts",
    );
  });

  it("is known by its chart, its version and its values, in any order", () => {
    const key = releaseKey(skillflaw, release);
    expect(releaseKey(skillflaw, { ...release, values: { b: [2], a: 1 }, wait: false })).toBe(key);
    const others = [{ a: 1, b: [3] }, { a: 1 }].map((values) => releaseKey(skillflaw, { ...release, values }));
    expect([...others, releaseKey({ ...skillflaw, version: "0.2.0" }, release)]).not.toContain(key);
  });

  it("restarts the kinds of workloads that read the Secret, by their label", () => {
    const restarts = { kinds: ["deployment", "statefulset"], label: "release" };
    const wired = { namespace: "ml", release: "it", wiring: { release: { ...release, restarts } } } as unknown as Wired;
    expect(toRestart(wired)).toBe("kubectl rollout restart deployment,statefulset --selector release=it --namespace ml");
  });
});

it("the rights of a chart are those that it binds to service accounts", () => {
  const rules = [{ apiGroups: [""], resources: ["secrets", "pods"], verbs: ["list", "get"] }];
  const role = { kind: "ClusterRole", metadata: { name: "reader" }, rules };
  const binding = {
    kind: "ClusterRoleBinding",
    roleRef: { kind: "ClusterRole", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "runner" }],
  };
  expect(rightsOf([role])).toEqual([]);
  expect(rightsOf([role, binding])).toEqual([
    { isClusterWide: true, accounts: ["runner"], rules: [{ groups: [""], resources: ["pods", "secrets"], verbs: ["get", "list"] }] },
  ]);
});

it("the rights of Kubernetes' own roles are those that concern Secrets and pods", () => {
  const bound = (name: string) => ({
    kind: "ClusterRoleBinding",
    roleRef: { kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", name: "runner" }],
  });
  expect(rightsOf([bound("cluster-admin")])[0]?.rules).toEqual([{ groups: ["*"], resources: ["*"], verbs: ["*"] }]);
  expect(rightsOf([bound("edit")])[0]?.rules[0]).toMatchObject({ groups: [""], resources: ["pods", "secrets"] });
  expect(rightsOf([bound("view")])[0]?.rules).toEqual([]);
});

describe("two versions of a chart", () => {
  const known = (objects: readonly JsonObject[]) => ({
    facts: { ...chartFacts("it"), rights: [] },
    renderings: {
      workloads: Object.fromEntries(workloadsOf(objects).map((workload) => [workload.name, workload])),
      releases: { key: { title: "It", settings: {}, way: "direct", workloads: ["it"], secrets: [] } },
    },
  });
  const init = {
    name: "rogue",
    image: "psql:1",
    env: [{ name: "PGPASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } }],
  };

  it("differ in a key that moved", () => {
    expect(compareKeys({ a: { old: "string" } }, { a: { young: "string" }, b: "array" })).toEqual([
      "values",
      "  - a.old: string",
      "  + a.young: string",
      "  + b: array",
    ]);
  });

  it("differ in a container, with its image and its variables", () => {
    const more = { ...pod, initContainers: [...pod.initContainers, init] };
    expect(compareRendered(known([configMap, deployment()]), known([configMap, deployment(more)]))).toEqual([
      "rights: as before",
      "other objects: as before",
      "workloads",
      "  - Deployment/it: starts proxy (sidecar), migrate (init), server, exporter",
      "  + Deployment/it: starts proxy (sidecar), migrate (init), rogue (init), server, exporter",
      "images",
      "  + Deployment/it rogue: psql:1",
      "variables",
      "  + Deployment/it rogue: PGPASSWORD from Secret/db password",
      "mounts: as before",
      "arguments, ports and probes: as before",
    ]);
  });
});

describe("the revisions of two versions", () => {
  const known = (tag: string) => ({
    facts: chartFacts("it"),
    renderings: {
      workloads: Object.fromEntries(
        workloadsOf([deployment({ containers: [{ name: "server", image: `registry.example/app:${tag}` }] })]).map((each) => [
          each.name,
          each,
        ]),
      ),
      releases: {},
    },
  });
  const servers: Servers = {
    container: "app",
    versions: [
      { version: "1.2.0", revision: "aaa", packages: [], charts: [] },
      { version: "1.3.0", revision: "bbb", packages: [], charts: [] },
    ],
  };

  it.each<readonly [string, string, Servers | null, readonly string[]]>([
    ["1.2.0", "1.2.0-slim", servers, ["revisions: as before"]],
    ["1.2.0", "1.3.0", servers, ["revisions", "  - aaa (1.2.0)", "  + bbb (1.3.0)"]],
    ["1.2.0", "1.20.0", servers, ["revisions", "  + not known, because the server's version was not verified"]],
    ["1.2.0", "1.3.0", null, ["revisions: this platform states none"]],
  ])("%s and %s", (before, after, stated, expected) => {
    expect(compareRevisions(known(before), known(after), stated)).toEqual(expected);
  });
});

it("two versions of a chart differ in pods, in how they are replaced, in Secrets and in what names one", () => {
  const [workload] = workloadsOf([deployment()]);
  if (workload === undefined) throw new TypeError("there is no workload");
  const known = (more: Partial<Workload>, secrets: readonly string[], mentions: readonly string[]) => ({
    facts: chartFacts("it"),
    renderings: {
      workloads: { it: { ...workload, ...more } },
      releases: { key: { title: "It", settings: {}, way: "direct", workloads: ["it"], secrets, mentions } },
    },
  });
  const before = known({}, [], []);
  const after = known({ pods: 9, namespace: "other", recreates: true }, ["own"], ["Role/reader"]);
  expect(compareRendered(before, after).slice(1, 7)).toEqual([
    "other objects",
    "  + Role/reader: names the database's Secret",
    "  + Secret/own: comes with the chart",
    "workloads",
    "  - Deployment/it: is one pod",
    "  + Deployment/it: is 9 pods in namespace other, and old ones end first",
  ]);
});

it("a case is one for each version that its chart was verified in, unless it names one", () => {
  const chart = toy.chart({} as never);
  if (chart === null) throw new TypeError("the toy has a chart");
  const verified = ["1.2.0", "1.1.0"].map((version) => ({ ...chartFacts("toy"), version }));
  const platform = { ...toy, chart: () => ({ ...chart, verified: verified as unknown as typeof chart.verified }) };
  const each: ContractCase = { title: "Toy", name: "toy", platforms: { toy: platform }, settings: { replicas: 2 }, login: () => [] };
  expect(everyVersion(each).map(({ title, settings }) => [title, settings])).toEqual([
    ["Toy", { replicas: 2 }],
    ["Toy, version 1.1.0", { replicas: 2, chartVersion: "1.1.0" }],
  ]);
  const named = { ...each, settings: { chartVersion: "1.1.0" } };
  expect(everyVersion(named)).toEqual([named]);
});
