import { describe, expect, it } from "vitest";
import { copiesOf } from "./copies";

describe("values in a chart's templates", () => {
  const COPY = "{{ with .Values.a }}\nx:\n  {{- toYaml . | nindent 2 }}\n{{- end }}";

  it.each<readonly [string, readonly string[], string]>([
    [COPY, ["a"], ""],
    [`{{ if .Values.a }}${COPY}{{ end }}`, ["a"], ""],
    ["{{- toYaml .Values.a.b | nindent 2 }}", ["a.b"], ""],
    ["{{ with .Values.a }}{{- . | nindent 2 }}{{ end }}", ["a"], ""],
    ["{{ with .Values.a }}{{ tpl (toYaml .) $ | nindent 2 }}{{ end }}", [], ""],
    [`${COPY}{{ tpl .Values.a.b . }}`, [], ""],
    [`${COPY}{{ include "x" .Values }}`, [], ""],
    [`${COPY}{{ $all := index .Values "a" }}`, [], ""],
    ["{{ if tpl .Values.a . }}{{ end }}{{- toYaml .Values.a | nindent 2 }}", [], ""],
    // Another template may evaluate what a definition yields.
    ['{{ tpl (include "x" .) $ }}', [], `{{ define "x" }}${COPY}{{ end }}`],
  ])("are copied without evaluating them: %j", (template, copied, helper) => {
    expect(copiesOf(template, helper).copied).toEqual(copied);
  });

  it.each<readonly [string, readonly string[]]>([
    ["{{ range .Values.a.b }}\n- name: {{ . }}\n{{ end }}", ["a.b"]],
    ["{{ range .Values.a }}{{ if .x }}{{ .x | quote }}{{ end }}{{ .y }}{{ end }}", ["a"]],
    ["{{ range .Values.a }}{{ . | quote }}{{ end }}{{ .y }}", []],
    ["{{ range $key, $value := .Values.a }}{{ $key }}: {{ $value | quote }}{{ end }}", []],
    ["{{ range .Values.a }}{{ .key }}: |{{ .value | nindent 4 }}{{ end }}", []],
    ["{{ range .Values.a }}{{ tpl (toYaml .) $ }}{{ end }}", []],
  ])("are lists whose elements a template writes itself: %j", (template, rows) => {
    expect(copiesOf(template, "").rows).toEqual(rows);
  });
});
