import { flag, integer, type Settings } from "../../model/fields";
import type { CommonFields } from "../../model/platform";
import { hostFields } from "./hosts";

export const mlflowFields = {
  /** Server processes in each pod. */
  workers: integer({ min: 1, max: 64, default: 2 }),
  /** Connections that each engine of a process keeps open. MLflow ignores 0 and takes 5 instead. */
  poolSize: integer({ min: 1, max: 100, default: 3 }),
  /** Further connections under load. MLflow ignores 0 and takes 10 instead. */
  maxOverflow: integer({ min: 1, max: 100, default: 2 }),
  /** Jobs within the server: scorers that run by themselves, evaluation and prompt optimisation from the page. They take connections. */
  jobs: flag(false),
  ...hostFields,
};

export type MlflowFields = typeof mlflowFields;
export type MlflowSettings = Settings<MlflowFields & CommonFields>;
