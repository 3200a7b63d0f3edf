import type { CommonFields } from "../../model/common-fields";
import { group, integer, list, nullable, type Settings, text } from "../../model/fields";
import { IMAGE_FORM } from "../../model/images";

export const applicationFields = {
  /** Most connections that all of its pods open together, each process counted. @defaultValue `10` */
  connections: integer({ min: 1, max: 1000, default: 10 }),
  /**
   * Command that brings its tables up to date, for a Job with the login, the variables and the CA; null if it migrates at its start.
   *
   * @defaultValue `null`
   */
  migration: nullable(
    group({
      /** Image that has the command. */
      image: text(IMAGE_FORM),
      /** The command and its arguments. @defaultValue `[]` */
      command: list(text({ pattern: /^[^\0]+$/, form: "a word of a command", lines: true })),
    }),
  ),
};

export type ApplicationFields = typeof applicationFields;
export type ApplicationSettings = Settings<ApplicationFields & CommonFields>;
