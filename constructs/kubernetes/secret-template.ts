import type { SecretField, SecretTemplate } from "../model/platform";

/** The values of a template's fields. */
export type SecretFields = Readonly<Record<SecretField["field"], string>>;

/**
 * Renders a template as plain text with its values.
 *
 * @param ca PEM text.
 */
export function toPlainText(template: SecretTemplate, fields: SecretFields, ca: string): string {
  return template
    .map((part) => {
      if (typeof part === "string") return part;
      return "caText" in part ? ca : toField(part, fields);
    })
    .join("");
}

/** Returns one field of the credential, encoded for its text. */
export function toField({ field, encoding }: SecretField, fields: SecretFields): string {
  return encode(fields[field], encoding);
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
 * Returns the same template for External Secrets: a Go template with the secret's `username` and `password`.
 *
 * Its `urlquery` writes a space as `+`, which libpq and SQLAlchemy keep as a plus; passwords here contain no space.
 * https://external-secrets.io/latest/guides/templating/
 */
export function toGoTemplate(template: SecretTemplate, ca: string): string {
  return template
    .map((part) => {
      if (typeof part === "string") return part.replaceAll("{{", '{{ "{{" }}');
      return "caText" in part ? ca : GO_FIELD[part.encoding](part.field);
    })
    .join("");
}

const GO_FIELD: Readonly<Record<SecretField["encoding"], (field: string) => string>> = {
  raw: (field) => `{{ .${field} }}`,
  url: (field) => `{{ .${field} | urlquery }}`,
  dsn: (field) => `'{{ .${field} | replace "\\\\" "\\\\\\\\" | replace "'" "\\\\'" }}'`,
};
