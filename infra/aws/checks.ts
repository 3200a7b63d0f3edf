import type { App, IPolicyValidationContext, PolicyValidationPluginReport } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";

/**
 * AwsSolutions (cdk-nag) with findings identified by their rule alone. Its own IDs of findings contain logical IDs and accounts, so that
 * an acknowledgement would apply to one environment only.
 */
class RuleChecks extends AwsSolutionsChecks {
  override validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const report = super.validate(context);
    const violations = report.violations.map((each) => ({ ...each, ruleName: each.ruleName.replace(/\[.*$/s, "") }));
    return { ...report, violations };
  }
}

export const checks = (app: App): AwsSolutionsChecks => new RuleChecks(app);
