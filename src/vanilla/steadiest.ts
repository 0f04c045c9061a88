/**
 * Which nodes can stay where they are while the others are moved around them: as many as possible, the longest increasing
 * subsequence (Fredman, 1975).
 *
 * @param places - for each node, in the wanted order, its place among the children now; -1 when it is none of them
 * @param fixed - the index of a node that has to stay; -1 for none
 */
export function steadiest(places: readonly number[], fixed: number): ReadonlySet<number> {
  const fixedPlace = places[fixed] ?? -1;
  /** For each length, the index at which the run of that length with the lowest end ends. */
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [index, place] of places.entries()) {
    if (place < 0) continue;
    // what is on the wrong side of the fixed one would move it
    if (fixedPlace >= 0 && index !== fixed && index < fixed !== place < fixedPlace) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[ends[middle] as number] as number) < place) low = middle + 1;
      else high = middle;
    }
    before[index] = ends[low - 1];
    ends[low] = index;
  }
  const staying = new Set<number>();
  for (let index = ends.at(-1); index !== undefined; index = before[index]) staying.add(index);
  return staying;
}
