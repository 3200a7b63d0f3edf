import type { LayerVersion } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { UserError } from "../model/errors";

type Layer = new (scope: Construct, id: string) => LayerVersion;

/** Packages with kubectl and helm, the newest first: optional peers, one of which is sufficient. */
const LAYERS: Readonly<Record<string, () => Layer>> = {
  "@aws-cdk/lambda-layer-kubectl-v36": () => require("@aws-cdk/lambda-layer-kubectl-v36").KubectlV36Layer,
  "@aws-cdk/lambda-layer-kubectl-v35": () => require("@aws-cdk/lambda-layer-kubectl-v35").KubectlV35Layer,
};

/**
 * Creates a layer with kubectl and helm from the newest installed package. kubectl works with clusters that are one minor version older or
 * newer. https://kubernetes.io/releases/version-skew-policy/#kubectl
 *
 * @throws UserError if none is installed.
 */
export function createKubectlLayer(scope: Construct, id: string): LayerVersion {
  const names = Object.keys(LAYERS);
  const Layer = names.map(find).find((each) => each !== null);
  if (Layer !== undefined && Layer !== null) return new Layer(scope, id);
  throw new UserError(
    `aws.cluster: needs a package with kubectl, got none; run npm install ${names[0]}, or with a cluster of an older version ${names[1]}`,
  );
}

/** Returns null if the package is not installed. */
function find(name: string): Layer | null {
  try {
    return LAYERS[name]?.() ?? null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "MODULE_NOT_FOUND" && message.includes(`'${name}'`)) return null;
    throw error;
  }
}
