import type { App, IPolicyValidationContext, PolicyValidationPluginReport } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";

/**
 * AwsSolutions (cdk-nag), a finding of which is known by its rule alone. Its own ids of findings contain logical ids and accounts, so
 * that an acknowledgement would hold for one environment only.
 */
class RuleChecks extends AwsSolutionsChecks {
  override validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const report = super.validate(context);
    const violations = report.violations.map((each) => ({ ...each, ruleName: each.ruleName.replace(/\[.*$/s, "") }));
    return { ...report, violations };
  }
}

export const checks = (app: App): AwsSolutionsChecks => new RuleChecks(app);
