/** A word longer than this is no typing error. */
const LONGEST = 80;

/** The known word nearest to a mistyped one, or null if none is near: one letter of three differs at most, and never more than three. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > LONGEST) return null;
  const written = word.toLowerCase();
  let best: { readonly candidate: string; readonly distance: number } | null = null;
  for (const candidate of known) {
    const length = Math.max(written.length, candidate.length);
    const most = Math.min(3, Math.max(1, Math.floor(length / 3)), (best?.distance ?? length) - 1);
    if (most < 0 || Math.abs(written.length - candidate.length) > most) continue;
    const distance = editDistance(written, candidate.toLowerCase(), most);
    if (distance <= most) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** `did you mean "x"?`, or all that is known. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? `known are ${[...known].sort().join(", ") || "none"}` : `did you mean "${near}"?`;
}

/** As `suggest`, for a cloud's region: of the same continent, where anybody would look for it. */
export function suggestRegion(region: string, known: readonly string[]): string {
  const continent = region.split("-", 1)[0] ?? "";
  return suggest(
    region,
    known.filter((each) => each.startsWith(`${continent}-`)),
  ).replace(/^known are none$/, "");
}

/**
 * Levenshtein's distance, in which two letters that changed places count once; or more than `most`, as soon as that is certain. The
 * model imports nothing, so this is not a library's.
 */
function editDistance(a: string, b: string, most: number): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    if (Math.min(...next) > most && Math.min(...row) > most) return most + 1;
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
