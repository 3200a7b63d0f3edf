import type { CommonFields } from "../../model/common-fields";
import { choice, flag, integer, type Settings, text } from "../../model/fields";

export const flyteFields = {
  /** `flyte-binary` is Flyte 2 or 1 in one pod; `flyte-core` is Flyte 1 with a pod for each service. @defaultValue `"flyte-binary"` */
  chart: choice(["flyte-binary", "flyte-core"], "flyte-binary"),
  /**
   * Connections of each pool: Flyte 2 has one pool, the binary of Flyte 1 five, flyte-core one or two in each pod. (Flyte's own default is 100.)
   *
   * @defaultValue `10`
   */
  maxOpenConnections: integer({ min: 2, max: 500, default: 10 }),
  /**
   * How long a connection is used before a new one replaces it, as a Flyte duration. (Flyte's own default is `1h`.)
   *
   * @defaultValue `"30m"`
   */
  connMaxLifeTime: text({ pattern: /^[1-9]\d{0,5}(s|m|h)$/, form: "a duration such as 30m", default: "30m" }),
  /** Runs flyte-core's scheduler as one more pod. The binaries include the scheduler. @defaultValue `false` */
  scheduler: flag(false),
  /** Whether Flyte connects through a pooler in transaction mode, which Flyte 2 does not support. @defaultValue `false` */
  transactionPooling: flag(false),
};

export type FlyteFields = typeof flyteFields;
export type FlyteSettings = Settings<FlyteFields & CommonFields>;

/** The three ways to run Flyte: their keys, processes and databases differ. */
export type Edition = "binary-2" | "binary-1" | "core-1";

export function editionOf({ chart, chartVersion }: Pick<FlyteSettings, "chart" | "chartVersion">): Edition {
  if (chart === "flyte-core") return "core-1";
  return /^v1\./.test(chartVersion) ? "binary-1" : "binary-2";
}
