import type { CloudFormation } from "./double";
import type { Artifact } from "./template";

/** A first creation that failed: such a stack can only be deleted. */
const FAILED_CREATIONS: readonly string[] = ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"];

/**
 * A double of `cdk deploy --all` and `cdk destroy --all`, after aws-cdk 2.1148.1 (deploy-stack.ts): it sets termination protection before
 * it executes a change set, also the first, and deletes a stack whose creation has failed before it creates it again.
 */
export class Cli {
  constructor(private readonly cloud: CloudFormation) {}

  /** @returns what a person sees: "ok", or the failure at which it stops. */
  deploy(artifacts: readonly Artifact[]): string {
    for (const artifact of artifacts) {
      const failure = this.deployOne(artifact);
      if (failure !== null) return failure;
    }
    return "ok";
  }

  /** Last stack first. @returns "ok", or the refusal at which it stops. */
  destroy(artifacts: readonly Artifact[]): string {
    for (const { name } of [...artifacts].reverse()) {
      const refusal = this.attempt(() => {
        if (this.cloud.stacks.has(name)) this.cloud.delete(name);
      });
      if (refusal !== null) return refusal;
    }
    return "ok";
  }

  private deployOne(artifact: Artifact): string | null {
    const { name, template, terminationProtection } = artifact;
    const before = this.cloud.stacks.get(name);
    if (before !== undefined && FAILED_CREATIONS.includes(before.status)) {
      const refusal = this.attempt(() => this.cloud.delete(name));
      if (refusal !== null) return refusal;
    }
    const isThere = this.cloud.stacks.has(name);
    const stack = this.cloud.stackOf(name);
    const isSame = isThere && JSON.stringify(stack.template) === JSON.stringify(template);
    stack.terminationProtection = terminationProtection;
    if (isSame) return null;
    const told = this.cloud.events.length;
    if (isThere) this.cloud.update(artifact);
    else this.cloud.create(artifact);
    const { status } = this.cloud.stackOf(name);
    return /^(CREATE|UPDATE)_COMPLETE$/.test(status) ? null : `${name} is in ${status}: ${this.cloud.events[told] ?? ""}`;
  }

  private attempt(run: () => void): string | null {
    try {
      run();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
