import { type App, Validations } from "aws-cdk-lib";

interface Acknowledged {
  readonly id: string;
  readonly reason: string;
}

/** Findings of AwsSolutions (cdk-nag) that stay, and why. */
const FINDINGS: readonly Acknowledged[] = [];

export function acknowledgeFindings(app: App): void {
  for (const finding of FINDINGS) Validations.of(app).acknowledge(finding);
}
