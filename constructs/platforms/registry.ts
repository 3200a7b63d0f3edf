import type { Platforms } from "../model/platform";
import { mlflow } from "./mlflow/mlflow";
import { prefect } from "./prefect/prefect";

/** The platforms of this project, by the name that a spec uses. A new one is a folder beside these and a line here. */
export const platforms = { mlflow, prefect } satisfies Platforms;
