/** What a change would take from a database's safety, in the same words on both clouds. @param thing as a cloud's plan names it. */
export const LOST = {
  backups: (thing: string): string =>
    `${thing} would have no automated backups, and no recovery to a moment; keep backupRetentionDays at 1 or more`,
  protection: (thing: string): string =>
    `${thing} would no longer be protected from deletion; keep deletionProtection, unless it is to be deleted`,
} as const;

/** What a change of place would do: nothing moves there. */
export const moved = (thing: string, from: string, to: string): string =>
  `${thing} is in ${from}, and would be made anew, empty, in ${to}, beside what is there; take that change back, or give the new environment another name`;
