import type { SecretField, SecretTemplate } from "../model/platform";

/** The values that a template's fields stand for. */
export type SecretFields = Readonly<Record<SecretField["field"], string>>;

/** A template as plain text, with the values in it. */
export function toPlainText(template: SecretTemplate, fields: SecretFields): string {
  return template.map((part) => (typeof part === "string" ? part : encode(fields[part.field], part.encoding))).join("");
}

function encode(value: string, encoding: SecretField["encoding"]): string {
  switch (encoding) {
    case "raw":
      return value;
    case "url":
      return encodeURIComponent(value).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
    case "dsn":
      // https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE
      return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  }
}

/**
 * The same template for External Secrets: a Go template over the secret's `username` and `password`.
 *
 * Its `urlquery` writes a blank as `+`, which libpq and SQLAlchemy keep as a plus; no password of ours has a blank.
 * https://external-secrets.io/latest/guides/templating/
 */
export function toGoTemplate(template: SecretTemplate): string {
  return template
    .map((part) => (typeof part === "string" ? part.replaceAll("{{", '{{ "{{" }}') : GO_FIELD[part.encoding](part.field)))
    .join("");
}

const GO_FIELD: Readonly<Record<SecretField["encoding"], (field: string) => string>> = {
  raw: (field) => `{{ .${field} }}`,
  url: (field) => `{{ .${field} | urlquery }}`,
  dsn: (field) => `'{{ .${field} | replace "\\\\" "\\\\\\\\" | replace "'" "\\\\'" }}'`,
};
