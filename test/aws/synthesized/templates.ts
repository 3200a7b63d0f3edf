import { describe, expect, it } from "vitest";
import type { Template } from "../../../infra/aws/templates";
import { minimalAws, productionAws, withAws } from "../../fixtures/aws";
import { masked, ofType, propertiesOf, templatesOf, text } from "../../fixtures/templates";

const production = templatesOf(productionAws);
const minimal = templatesOf(minimalAws);

describe("an environment with examples", () => {
  const examples = withAws(minimalAws, { account: { example: "111122223333" } });

  it("is refused by CloudFormation in every stack before a resource is made, with the ids to write", () => {
    for (const template of Object.values(templatesOf(examples)) as (Template & { Rules: object })[]) {
      expect(template.Rules).toMatchObject({
        NoExamples: {
          Assertions: [
            {
              Assert: { "Fn::Equals": ["example", "own"] },
              AssertDescription: "These IDs are placeholders; replace them in the environment: aws.account",
            },
          ],
        },
      });
    }
    expect(text(minimal)).not.toContain("NoExamples");
  });
});

describe("a template", () => {
  it("stays far below CloudFormation's limits of 500 resources and a megabyte", () => {
    for (const [name, template] of Object.entries(production)) {
      const size = { resources: Object.keys(template.Resources).length, bytes: text(template).length };
      expect(size.resources, name).toBeLessThan(80);
      expect(size.bytes, name).toBeLessThan(150_000);
    }
  });

  it("carries the environment, the owner and the labels on everything that takes them", () => {
    const tags = propertiesOf(production.database, "AWS::KMS::Key", /^main/).Tags;
    expect(tags).toEqual([
      { Key: "environment", Value: "production" },
      { Key: "owner", Value: "ml-platform" },
      { Key: "stage", Value: "production" },
    ]);
  });

  it.each([
    ["minimal", minimalAws],
    ["production", productionAws],
  ] as const)("of the database of %s is this", (_name, spec) => {
    const { database } = templatesOf(spec);
    const shown = ["AWS::RDS::DBInstance", "AWS::RDS::DBParameterGroup"].flatMap((type) => Object.entries(ofType(database, type)));
    expect(masked(Object.fromEntries(shown))).toMatchSnapshot();
  });
});
