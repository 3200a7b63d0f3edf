import type { Platforms } from "../model/platform";
import { application } from "./application/application";
import { flyte } from "./flyte/flyte";
import { kubeflowPipelines } from "./kubeflow-pipelines/kubeflow-pipelines";
import { mlflow } from "./mlflow/mlflow";
import { prefect } from "./prefect/prefect";
import { skillflaw } from "./skillflaw/skillflaw";

/** The platforms of this project, by their names in a spec. To add one, add a directory next to these and a line here. */
export const platforms = { flyte, mlflow, prefect, skillflaw, "kubeflow-pipelines": kubeflowPipelines, application } satisfies Platforms;
