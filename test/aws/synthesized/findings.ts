import { rmSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { afterAll, describe, expect, it } from "vitest";
import type { AwsEnvironment } from "../../../constructs/aws/stacks/aws-environment";
import { ACKNOWLEDGED } from "../../../infra/aws/acknowledged";
import { checks } from "../../../infra/aws/checks";
import { createStacks } from "../../../infra/aws/stacks";
import { minimalAws, productionAws, resolveAws, withAws, withMain, withNamed } from "../../fixtures/aws";
import { temporary } from "../../fixtures/cli";

describe("findings of AwsSolutions", () => {
  const directory = temporary();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const unguarded = withMain(minimalAws, { highAvailability: false, deletionProtection: false, readReplicas: 1 });
  const specs = [
    withAws({ ...unguarded, name: "unguarded" }, { network: null }),
    withMain({ ...minimalAws, name: "bare" }, { backupRetentionDays: 0, pointInTimeRecovery: false }),
  ];
  const named = withNamed(productionAws, { "mlflow-research": { ...productionAws.platforms.mlflow, platform: "mlflow" } });

  /** What is found where nothing is acknowledged. */
  function findingsOf(environment: AwsEnvironment): readonly { readonly rule: string; readonly path: string }[] {
    const app = new App({ outdir: join(directory, environment.name), context: { "aws:cdk:disable-asset-staging": true } });
    createStacks(app, environment);
    app.synth();
    return checks(app)
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) => {
        const [, rule = ""] = /^AwsSolutions-(\w+)/.exec(ruleName) ?? [];
        // Its type has a logical id only, and the plugin a path.
        return violatingResources.map((each) => ({ rule, path: `/${(each as unknown as { constructPath: string }).constructPath}` }));
      });
  }

  it("are each acknowledged with a reason, and each acknowledgement is still found", () => {
    const found = [...specs, named].map(resolveAws).flatMap(findingsOf);
    const covers = ({ rule, path }: (typeof ACKNOWLEDGED)[number], finding: (typeof found)[number]) =>
      rule === finding.rule && path.test(finding.path);
    expect(found.filter((finding) => !ACKNOWLEDGED.some((each) => covers(each, finding)))).toEqual([]);
    const unused = ACKNOWLEDGED.filter((each) => !found.some((finding) => covers(each, finding)));
    expect(unused.map(({ rule, path }) => `${rule} ${path}`)).toEqual([]);
    for (const { reason } of ACKNOWLEDGED) expect(reason).toMatch(/^.{20,}\.$/);
  });
});
