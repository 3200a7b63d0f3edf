import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";
import { describe, expect, it } from "vitest";
import { replacedBy, STATEFUL, UPDATED_IN_PLACE } from "../../infra/aws/replacing";

describe("properties that replace a resource", () => {
  const schemas = loadAwsServiceSpecSync();

  it.each(STATEFUL)("of %s are those of its schema", (type) => {
    const properties = Object.entries(schemas.lookup("resource", "cloudFormationType", "equals", type).only().properties);
    expect(properties.length).toBeGreaterThan(2);
    const marked = properties.filter(([, { causesReplacement = "no" }]) => causesReplacement !== "no").map(([name]) => name);
    const expected = type === "AWS::RDS::DBInstance" ? marked.filter((name) => !UPDATED_IN_PLACE.includes(name)) : marked;
    const names = properties.map(([name]) => name);
    expect(names.filter((name) => replacedBy(type, { [name]: "a" }, { [name]: "b" }).length > 0).sort()).toEqual([...expected].sort());
  });

  it("do not replace anything where they are equal", () => {
    expect(replacedBy("AWS::RDS::DBInstance", { KmsKeyId: { Ref: "a" } }, { KmsKeyId: { Ref: "a" } })).toEqual([]);
  });
});
