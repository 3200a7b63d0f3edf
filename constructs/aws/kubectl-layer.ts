import type { LayerVersion } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { formatViolation, UserError, type Violation } from "../model/errors";

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
  const Layer = Object.keys(LAYERS)
    .map(find)
    .find((each) => each !== null);
  if (Layer !== undefined && Layer !== null) return new Layer(scope, id);
  throw new UserError(formatViolation(MISSING));
}

const [NEWEST, OLDER] = Object.keys(LAYERS);

const MISSING: Violation = {
  path: "aws.cluster",
  rule: "needs a package with kubectl",
  got: "none",
  remedy: `run npm install ${NEWEST}, or with a cluster of an older version ${OLDER}`,
};

/**
 * Returns the violation of a spec that installs releases if only the package with kubectl is missing. Returns null if it is installed, or if
 * the CDK is missing, too. Loads no package.
 */
export const missingKubectl = (): Violation | null =>
  isInstalled("aws-cdk-lib") && !Object.keys(LAYERS).some(isInstalled) ? MISSING : null;

function isInstalled(name: string): boolean {
  try {
    return require.resolve(name) !== "";
  } catch {
    return false;
  }
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
