import { type Guard, THE_CONNECTION } from "../model/guards";

export const AN_ENV_FILE: Guard = { because: "variables of a file can change the connection; list them in values" };
const WORKERS: Guard = { setting: "workers" };
const A_CONFIGURATION: Guard = { because: "its file can start other processes, with other variables" };

/**
 * Variables that Gunicorn and Uvicorn read: Uvicorn reads every option as `UVICORN_` and its name.
 *
 * https://docs.gunicorn.org/en/stable/settings.html#settings, https://www.uvicorn.org/settings/
 */
export const SERVER_VARIABLES: Readonly<Record<string, Guard>> = {
  "WEB_CONCURRENCY=": WORKERS,
  "UVICORN_WORKERS=": WORKERS,
  "UVICORN_ENV_FILE=": AN_ENV_FILE,
  GUNICORN_CMD_ARGS: A_CONFIGURATION,
};

/** Their options that start processes or set variables. */
export const SERVER_OPTIONS: Readonly<Record<string, Guard>> = {
  workers: WORKERS,
  w: WORKERS,
  env: THE_CONNECTION,
  e: THE_CONNECTION,
  "env-file": AN_ENV_FILE,
  config: A_CONFIGURATION,
  c: A_CONFIGURATION,
};
