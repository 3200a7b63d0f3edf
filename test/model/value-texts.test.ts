import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../constructs/model/json";
import {
  hasControl,
  isMountBelow,
  mayWriteLines,
  optionsAt,
  sourceOf,
  textsIn,
  toOption,
  variablesInText,
} from "../../constructs/model/value-texts";
import { showPath } from "../../constructs/model/values";

const first = (values: JsonObject) => {
  const [found] = textsIn(values);
  if (found === undefined) throw new TypeError("no text");
  return found;
};

describe("textsIn", () => {
  it("finds every text with its path, elements of lists by name or number", () => {
    const values = { a: { b: 1 }, env: [{ name: "X", value: "1", deep: { name: "y" } }], args: ["-v", { x: true }], none: null, map: {} };
    expect(textsIn(values).map(({ path, text, isOfItem }) => [showPath(path), text, isOfItem])).toEqual([
      ["a.b", "1", false],
      ["env[X]", "X", true],
      ["env[X].value", "1", true],
      ["env[X].deep.name", "y", false],
      ["args[0]", "-v", true],
      ["args[1].x", "true", true],
    ]);
  });
});

describe("variablesInText", () => {
  it.each<[JsonObject, readonly string[]]>([
    [{ secret: [{ envName: "PGHOST" }] }, ["PGHOST"]],
    [{ secret: [{ key: "DATABASE.POSTGRES.HOST" }] }, ["DATABASE.POSTGRES.HOST"]],
    [{ plain: "PGHOST" }, []],
    [{ of: [{ valueFrom: { secretKeyRef: { key: "PGHOST" } } }] }, []],
    [{ yaml: "- name: PGHOST\n  value: x" }, ["PGHOST"]],
    [{ yaml: "[{name: PGHOST, value: x}]" }, ["PGHOST"]],
    [{ yaml: '{"PGHOST": "x"}' }, ["PGHOST"]],
    [{ yaml: "{PGHOST: x}" }, ["PGHOST"]],
    [{ yaml: "A:\n  PGHOST: x" }, ["A", "PGHOST"]],
    [{ yaml: "envName : 'PGHOST'" }, ["PGHOST"]],
    [{ lines: "export PGHOST=x" }, ["PGHOST"]],
    [{ script: "psql -h $PGHOST ${PGUSER:-x} ${PGPORT}" }, []],
    [{ text: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc" }, []],
  ])("reads %j", (values, expected) => {
    expect([...new Set(variablesInText(first(values)))]).toEqual(expected);
  });

  it("takes no time that grows faster than a text", () => {
    // A square of it would take hours.
    for (const text of ["a".repeat(1e6), "A".repeat(1e6), `name${" ".repeat(1e6)}`, "{{".repeat(5e5), '"'.repeat(1e6), "--".repeat(5e5)]) {
      variablesInText({ path: [], text, isOfItem: true, isOfContainer: false });
      mayWriteLines(text);
      optionsAt({ path: ["args"], text, isOfItem: true, isOfContainer: false });
      expect(hasControl(text)).toBe(false);
    }
  });
});

describe("options", () => {
  it("are one in each spelling", () => {
    const spellings = [
      "backendStoreUri",
      "BackendStoreUri",
      "backend_store_uri",
      "backend-store-uri",
      "--backend-store-uri=x",
      "BACKEND STORE URI",
    ];
    expect(new Set(spellings.map(toOption))).toEqual(new Set(["backendstoreuri"]));
  });

  it.each<[JsonObject, readonly string[]]>([
    [{ extraArgs: { Workers: "9" } }, ["workers"]],
    [{ extraFlags: ["dev", "workers=9"] }, ["dev"]],
    [{ args: ["--workers=9"] }, ["workers", "workers"]],
    [{ command: "x --wor'kers' 9" }, ["workers"]],
    [{ gunicornOpts: "-w 9 -eA=b --log-level x" }, ["loglevel", "w", "e"]],
    [{ other: "-w 9" }, []],
  ])("stand in %j", (values, expected) => {
    expect(optionsAt(first(values)).map(({ option }) => option)).toEqual(expected);
  });
});

describe("mayWriteLines", () => {
  it.each([
    "plain",
    "{{ .Release.Name }}-x",
    '{{ include "a.fullname" . | quote }}',
    "{{ namespace }}",
    '{{ "{{" }} .podName {{ "}}" }}',
    "{{`{{ .podName }}`}}",
    '{{`{{- with secret "x" -}}\n{{ .Data }}`}}',
    "{{ workflow.name }}",
  ])("lets %s pass", (text) => {
    expect(mayWriteLines(text)).toBe(false);
  });

  it.each([
    ...[
      "{{ .Values.a }}",
      '{{ "a\\n" }}',
      '{{ printf "%c" 10 }}',
      "{{- namespace }}",
      "{{ namespace -}}",
      '{{ include "a.labels" . }}',
      "{{/* a */}}",
    ],
    ...[
      '{{ index .Values "a" }}',
      "{{ .Files.Get }}",
      "{{ $.Values.a }}",
      "{{ println }}",
      "{{ println | lower }}",
      "{{ toYaml . }}",
      '{{ "a" }}{{ if x }}b{{ end }}',
      "{{ a",
      '{{ "a" | b64dec }}',
    ],
  ])("refuses %s", (text) => {
    expect(mayWriteLines(text)).toBe(true);
  });
});

describe("sourceOf", () => {
  it.each([
    "envFrom",
    "extraEnvFrom",
    "extraSecretNamesForEnvFrom",
    "extraEnvVarsSecret",
    "extraEnvVarsCM",
    "extraEnvVarsConfigMap",
    "env_from",
    "envSecrets",
  ])("knows %s", (key) => {
    expect(sourceOf(first({ server: { [key]: ["other"] } }))).toEqual(["server", key]);
  });

  it.each<JsonObject>([
    { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s" } } }] },
    { environment: "production" },
    { extraContainers: [{ image: "x:1", envFrom: ["other"] }] },
  ])("finds none in %j", (values) => {
    expect(textsIn(values).map(sourceOf)).toEqual(textsIn(values).map(() => null));
  });
});

describe("isMountBelow", () => {
  it.each([
    ["/etc/db", true],
    ["/etc/db/x", true],
    ["/etc//./db/", true],
    ["/etc/x/../db/y", true],
    ["/etc/db-other", false],
    ["/etc", false],
  ])("%s: %s", (mountPath, expected) => {
    expect(isMountBelow(first({ mounts: [{ mountPath }] }), "/etc/db")).toBe(expected);
  });
});
