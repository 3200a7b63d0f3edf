import { describe, expect, it } from "vitest";
import { toGoTemplate, toPlainText } from "../../constructs/kubernetes/secret-template";
import type { SecretTemplate } from "../../constructs/model/platform";

const template: SecretTemplate = [
  "u=",
  { field: "username", encoding: "raw" },
  " url=",
  { field: "password", encoding: "url" },
  " dsn=",
  { field: "password", encoding: "dsn" },
];

describe("a secret's template", () => {
  it.each([
    ["abc_~.-", "u=me url=abc_~.- dsn='abc_~.-'"],
    ["p@ss/wörd +%", "u=me url=p%40ss%2Fw%C3%B6rd%20%2B%25 dsn='p@ss/wörd +%'"],
    ["it's \\ (it)!*", "u=me url=it%27s%20%5C%20%28it%29%21%2A dsn='it\\'s \\\\ (it)!*'"],
  ])("writes %s as plain text in each encoding", (password, text) => {
    expect(toPlainText(template, { username: "me", password }, "PEM")).toBe(text);
  });

  it("holds the text of the CA in both forms", () => {
    expect(toPlainText(["a\n", { caText: true }], { username: "me", password: "it" }, "PEM\n")).toBe("a\nPEM\n");
    expect(toGoTemplate(["a\n", { caText: true }], "PEM\n")).toBe("a\nPEM\n");
  });

  it("is a Go template for External Secrets", () => {
    expect(toGoTemplate(template, "PEM")).toBe(
      `u={{ .username }} url={{ .password | urlquery }} dsn='{{ .password | replace "\\\\" "\\\\\\\\" | replace "'" "\\\\'" }}'`,
    );
  });

  it("does not let a literal be taken for a template", () => {
    expect(toGoTemplate(["a {{ b"], "PEM")).toBe('a {{ "{{" }} b');
  });
});
