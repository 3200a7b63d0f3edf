import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { lateBound } from "../../../constructs/gcp/late-bound";

describe("an object with a text that is known late", () => {
  const [object] = lateBound(({ text, other }) => [{ kind: "A", list: ["plain", `before ${text} and ${text}`], own: { text, other } }], {
    text: pulumi.output("late"),
    other: pulumi.output("later"),
  });

  it("is plain wherever the text is not", () => {
    expect(object).toMatchObject({ kind: "A", list: ["plain", expect.anything()] });
  });

  it("has the text wherever it was put", async () => {
    const value = await new Promise((resolve) => pulumi.output(object).apply(resolve));
    expect(value).toEqual({ kind: "A", list: ["plain", "before late and late"], own: { text: "late", other: "later" } });
  });
});
