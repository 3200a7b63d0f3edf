/** The known word nearest to a mistyped one, or null if none is near: at most three letters differ, and about a third of them. */
export function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.min(3, Math.ceil(Math.max(word.length, candidate.length) / 3)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate ?? null;
}

/** `did you mean "x"?`, or all that is known. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? `known are ${[...known].sort().join(", ") || "none"}` : `did you mean "${near}"?`;
}

/** Levenshtein's distance. Own code because this folder imports nothing. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
