import type { CommonFields } from "../../model/common-fields";
import { group, integer, list, nullable, type Settings, text } from "../../model/fields";
import { IMAGE_FORM } from "../../model/images";

export const applicationFields = {
  /** The most connections that all of its pods open together, including every process. @defaultValue `10` */
  connections: integer({ min: 1, max: 1000, default: 10 }),
  /**
   * Command that migrates its tables, for a Job with the login, the variables and the CA; null if the program migrates at startup.
   *
   * @defaultValue `null`
   */
  migration: nullable(
    group({
      /** Image with the command. */
      image: text(IMAGE_FORM),
      /** The command and its arguments. @defaultValue `[]` */
      command: list(text({ pattern: /^[^\0]+$/, form: "a word of a command", lines: true })),
    }),
  ),
};

export type ApplicationFields = typeof applicationFields;
export type ApplicationSettings = Settings<ApplicationFields & CommonFields>;
