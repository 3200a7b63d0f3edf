import type { CommonFields } from "../../model/common-fields";
import { integer, type Settings, text } from "../../model/fields";

export const kubeflowPipelinesFields = {
  /** Must be the namespace in upstream's manifests. @defaultValue the platform's name */
  namespace: text({ pattern: /^kubeflow$/, form: '"kubeflow", which upstream\'s manifests name too', default: "kubeflow" }),
  /**
   * Connections of API server, cache server and metadata together. They do not limit themselves; the logins' limit does.
   *
   * @defaultValue `40`
   */
  connections: integer({ min: 10, max: 1000, default: 40 }),
};

export type KubeflowPipelinesFields = typeof kubeflowPipelinesFields;
export type KubeflowPipelinesSettings = Settings<KubeflowPipelinesFields & CommonFields>;
