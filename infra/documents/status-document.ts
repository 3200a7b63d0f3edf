import { amount, byName, count, defineDocument, flag, list, object, oneOf, orNull, text } from "./schema";

export const statusDocument = defineDocument("status", 1, "status", "An environment at this moment.", {
  environment: text("The environment's name."),
  target: oneOf("Where it is: this machine, or a cloud.", ["local", "aws", "gcp"]),
  instances: list(
    "The instances, in the environment's order.",
    object("One instance.", {
      name: text("Its name in the environment."),
      host: text("Host name in its certificate."),
      port: count("TCP port."),
      version: text("Version of PostgreSQL, such as `17.6`."),
      startedAt: text("When the server was started, ISO 8601."),
      isStandby: flag("Whether it is a read-only standby."),
      bytes: amount("Size of all databases that can be measured, in bytes."),
      connections: object("Its connections.", {
        max: count("`max_connections` in effect."),
        used: count("Sessions of clients."),
        expected: count("`max_connections` that the environment counts on."),
      }),
      replicas: list(
        "Servers that stream from it. Standbys that the cloud keeps are not among them.",
        object("One replica.", {
          name: text("Its application name, or its address."),
          state: orNull(text("State in `pg_stat_replication`. Null if it is not visible.")),
          lagSeconds: orNull(amount("Lag in seconds. Null if nothing was written for a while, or if it is not visible.")),
        }),
      ),
      machine: orNull(
        object("The instance as its cloud describes it. Null on this machine, for other databases, and if it is not visible.", {
          type: text("Class or tier, such as `db.m7g.large`."),
          diskGib: orNull(amount("Size of its disk in GiB. Null if it is not known.")),
          state: text("In the cloud's words, such as `available` or `RUNNABLE`."),
          zone: orNull(text("Its zone. Null if it is not known.")),
          hasStandby: flag("Whether the cloud keeps a standby that takes over."),
          standbyZone: orNull(text("The standby's zone. Null if it is not known.")),
        }),
      ),
      backups: orNull(
        object("Its backups as its cloud describes them. Null on this machine, for other databases, and if they are not visible.", {
          areOn: flag("Whether backups are enabled."),
          days: orNull(count("Number of past days of which any moment can be restored. Null if only backups can be restored.")),
          kept: orNull(count("Number of backups that are kept. Null if they are kept for a number of days.")),
          oldest: orNull(text("Oldest moment that can be restored, ISO 8601. Null if there is none yet.")),
          latest: orNull(text("Latest moment that can be restored, ISO 8601. Null if there is none yet.")),
        }),
      ),
      notVisible: list(
        "Parts that the cloud does not let you read.",
        object("One part.", {
          part: oneOf("Which one.", ["machine", "backups"]),
          problem: text("Why, and the remedy. A sentence for people: its wording may change."),
        }),
      ),
      certificateEnd: orNull(text("End of the server's certificate, ISO 8601. Null through a proxy.")),
      platforms: byName(
        "The platforms on it, by their names in the environment.",
        object("One platform.", {
          connections: object("Its connections.", {
            used: count("Sessions of its logins."),
            active: orNull(count("Sessions that run a statement. Null if they are not visible.")),
            limit: count("Connection limit of a login."),
          }),
          bytes: orNull(amount("Size of its databases in bytes. Null if one is missing or not visible.")),
          login: orNull(text("The login in its secret. Null if the secret is empty or not readable.")),
          passwordSince: orNull(
            text("When its secret got that login and password, ISO 8601. Null if there is none, or if it is not known."),
          ),
          migrations: list("State of its migrations.", text("A sentence for people: its wording may change.")),
        }),
      ),
    }),
  ),
});
