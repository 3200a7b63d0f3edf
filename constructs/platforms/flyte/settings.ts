import type { CommonFields } from "../../model/common-fields";
import { choice, flag, integer, type Settings, text } from "../../model/fields";

export const flyteFields = {
  /** `flyte-binary` is one pod, of Flyte 2 or 1; `flyte-core` is Flyte 1 in a pod for each service. @defaultValue `"flyte-binary"` */
  chart: choice(["flyte-binary", "flyte-core"], "flyte-binary"),
  /**
   * Connections of each pool: Flyte 2 has one pool, the binary of Flyte 1 five, flyte-core one or two in each pod. (Flyte's own default is 100.)
   *
   * @defaultValue `10`
   */
  maxOpenConnections: integer({ min: 2, max: 500, default: 10 }),
  /**
   * How long a connection is used before a new one takes its place, as Flyte writes durations. (Flyte's own default is `1h`.)
   *
   * @defaultValue `"30m"`
   */
  connMaxLifeTime: text({ pattern: /^[1-9]\d{0,5}(s|m|h)$/, form: "a duration such as 30m", default: "30m" }),
  /** flyte-core's own scheduler, a pod more. The binaries have theirs within. @defaultValue `false` */
  scheduler: flag(false),
  /** Whether a pooler in transaction mode stands in between; Flyte 2 cannot have one. @defaultValue `false` */
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
