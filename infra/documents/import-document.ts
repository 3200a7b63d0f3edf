import { amount, count, defineDocument, flag, list, object, oneOf, orNull, text } from "./schema";

export const importDocument = defineDocument("import", 1, "import", "What `import` did. With `--dry-run`, what it would have done.", {
  environment: text("The environment's name."),
  target: oneOf("Where it is: this machine, or a cloud.", ["local", "aws", "gcp"]),
  platform: text("The platform."),
  kept: flag("Whether the rows are in its database now. False with `--dry-run`."),
  seconds: amount("Seconds from the first row to the last comparison."),
  databases: list(
    "Its databases.",
    object("One database.", {
      database: text("Its name."),
      source: text("What it comes from: a file's name, or a database and its host."),
      sourceRevision: orNull(text("The source's revision. Null if the platform notes none.")),
      targetRevision: orNull(text("The database's revision. Null if the platform notes none.")),
      tables: list(
        "The tables that were filled.",
        object("One table.", {
          table: text("Its name."),
          rows: count("Rows that it has now. Each was compared with the source's."),
          deleted: count("Rows that it had before."),
        }),
      ),
      orphans: list(
        "Rows that referred to one that does not exist (`--without-orphans`).",
        object("One foreign key.", {
          table: text("The table."),
          columns: list("The columns that refer.", text("A column.")),
          other: text("The table that lacks the row."),
          rows: count("Number of rows."),
          fate: oneOf("What `import` did with them.", ["left out", "emptied"]),
        }),
      ),
      renumbered: list(
        "Numbers that were too large (`--renumber`).",
        object("One number.", { before: text("In the source."), after: text("In the database.") }),
      ),
      locations: list(
        "Addresses of files, which did not move.",
        object("Those of a column and scheme.", {
          column: text("Table and column."),
          scheme: text("Such as `s3`; `path` if it has none."),
          rows: count("Number of rows."),
          podsCanReach: flag("Whether pods can reach it: not a path, nor `file:`."),
        }),
      ),
    }),
  ),
  notes: list("Notes for a person.", text("A sentence. Its wording may change.")),
  besides: list("What a person must move besides the rows.", text("A sentence. Its wording may change.")),
  next: text("What to do next. A sentence for people: its wording may change."),
});
