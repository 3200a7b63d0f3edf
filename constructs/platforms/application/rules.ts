import { violation } from "../../model/errors";
import { FIRST_DATABASE } from "../../model/names";
import type { PlatformRule } from "../../model/platform";
import { moves } from "../../model/rules/image-rules";
import { COMMON_KEYS, ENDINGS, READER_ENDING, secretKey } from "./addresses";
import type { ApplicationFields } from "./settings";

const KUBERNETES_SECRETS = "https://kubernetes.io/docs/concepts/configuration/secret/";

export const applicationRules: readonly PlatformRule<ApplicationFields>[] = [
  {
    id: "application-has-a-main-database",
    why: "Programs read DATABASE_URL and the keys without a prefix, which only the database `main` has.",
    source: KUBERNETES_SECRETS,
    date: "2026-11-30",
    severity: "error",
    check: ({ databases }, path) => {
      const keys = Object.keys(databases);
      return keys.length === 0 || keys.includes(FIRST_DATABASE)
        ? []
        : [
            violation(
              `${path}.databases`,
              `must have a key ${FIRST_DATABASE}, whose keys in the Secret have no prefix`,
              keys.join(", "),
              `rename ${keys[0]} to ${FIRST_DATABASE}`,
            ),
          ];
    },
    passing: { databases: { main: "grafana", alerts: {} } },
    failing: { databases: { alerts: {} } },
  },
  {
    id: "application-secret-keys-are-unique",
    why: "A Secret keeps one value per key, so one of the two is lost and a program connects to the wrong database.",
    source: KUBERNETES_SECRETS,
    date: "2026-11-30",
    severity: "error",
    check: ({ databases }, path) => {
      const owners = new Map<string, string>();
      // Also while there is no replica, so that one can be added later.
      const endings = [...ENDINGS, READER_ENDING];
      return [FIRST_DATABASE, ...Object.keys(databases)].flatMap((database) => {
        const taken = endings
          .map((ending) => secretKey(database, ending))
          .find((key) => COMMON_KEYS.includes(key) || (owners.get(key) ?? database) !== database);
        for (const ending of endings) owners.set(secretKey(database, ending), database);
        return taken === undefined
          ? []
          : [violation(`${path}.databases.${database}`, `would write the Secret's key ${taken} twice`, database, "choose another key")];
      });
    },
    passing: { databases: { main: {}, vectors: {} } },
    failing: { databases: { main: {}, jdbc: {} } },
  },
  {
    id: "application-migration-has-a-command",
    why: "The Job would run the image's own command, which is usually a server that never ends.",
    source: "https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",
    date: "2026-11-30",
    severity: "error",
    check: ({ migration }, path) =>
      migration !== null && migration.command.length === 0
        ? [
            violation(
              `${path}.migration.command`,
              "must have at least one word",
              migration.command,
              'write the command, such as ["alembic", "upgrade", "head"]',
            ),
          ]
        : [],
    passing: { migration: { image: "registry.example/app:1", command: ["alembic", "upgrade", "head"] } },
    failing: { migration: { image: "registry.example/app:1", command: [] } },
  },
  {
    id: "application-migration-image-is-pinned",
    why: "A Job with a different version than the pods creates tables that the pods do not know.",
    source: "https://kubernetes.io/docs/concepts/containers/images/",
    date: "2026-11-30",
    severity: "warning",
    check: ({ migration }, path) => (migration === null ? [] : moves(`${path}.migration.image`, migration.image)),
    passing: { migration: { image: "registry.example/app:1.2.3", command: ["migrate"] } },
    failing: { migration: { image: "registry.example/app:latest", command: ["migrate"] } },
  },
  {
    id: "application-migration-command-is-words",
    why: "The first word is the program's name, and the Job fails because no program has spaces in its name.",
    source: "https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/",
    date: "2026-11-30",
    severity: "warning",
    check: ({ migration }, path) => {
      const [first = ""] = migration?.command ?? [];
      const words = first.trim().split(/\s+/);
      return words.length > 1
        ? [
            violation(
              `${path}.migration.command[0]`,
              "is the program's name, but contains spaces",
              first,
              `write each word separately: [${words.map((word) => `"${word}"`).join(", ")}], or ["sh", "-c", "..."]`,
            ),
          ]
        : [];
    },
    passing: { migration: { image: "registry.example/app:1.2.3", command: ["sh", "-c", "exec alembic upgrade head"] } },
    failing: { migration: { image: "registry.example/app:1.2.3", command: ["alembic upgrade head"] } },
  },
];
