/**
 * Where completions lie in a batch. A tree's rows are slots of equal length; when a tree has more completions than
 * the layout has slots, several short ones share a slot, one after the other, and the mask keeps them apart. Ragged
 * completions would otherwise all be padded to the longest.
 */
import { InternalError } from '../../base/errors.ts';
import { bucketLength } from './buckets.ts';

/** A completion's slot, and its first token in it. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
}

/** Packs lengths into slots of `slotTokens`, first fit, the longest first. */
function pack(lengths: readonly number[], slotTokens: number): { places: Place[]; slots: number } {
  const used: number[] = [];
  const places: Place[] = lengths.map(() => ({ slot: 0, offset: 0 }));
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  for (const i of order) {
    const length = lengths[i] ?? 0;
    if (length > slotTokens)
      throw new InternalError(`packing: ${length} tokens do not fit a slot of ${slotTokens}`);
    const found = used.findIndex((filled) => filled + length <= slotTokens);
    const slot = found < 0 ? used.length : found;
    const offset = used[slot] ?? 0;
    places[i] = { slot, offset };
    used[slot] = offset + length;
  }
  return { places, slots: Math.max(1, used.length) };
}

/** How much longer than the longest completion a slot may be made, in multiples of the bucket. */
const EXTRA = [0, 1, 2, 3, 4] as const;

/** The slots for which packed completions take the fewest tokens: their number and length, a multiple of `multiple`. */
export function slotsFor(
  lengths: readonly number[],
  multiple: number,
): { slots: number; slotTokens: number } {
  const longest = bucketLength(Math.max(1, ...lengths), multiple);
  const options = EXTRA.map((extra) => {
    const slotTokens = longest + extra * multiple;
    return { slotTokens, slots: pack(lengths, slotTokens).slots };
  });
  return options.reduce((best, next) =>
    next.slots * next.slotTokens < best.slots * best.slotTokens ? next : best,
  );
}

interface Slots {
  readonly samples: number;
  readonly completionTokens: number;
}

interface Sequences {
  readonly completions: readonly { readonly length: number }[];
}

const remembered = new WeakMap<Sequences, { slots: Slots; places: readonly Place[] }>();

/**
 * The place of each completion of a tree in a layout: a slot each if there are enough, packed otherwise. Throws when
 * they do not fit.
 */
export function placesIn(layout: Slots, tree: Sequences): readonly Place[] {
  const known = remembered.get(tree);
  if (known?.slots.samples === layout.samples && known.slots.completionTokens === layout.completionTokens) {
    return known.places;
  }
  const lengths = tree.completions.map(({ length }) => length);
  const own =
    lengths.length <= layout.samples && lengths.every((length) => length <= layout.completionTokens);
  const places = own ? lengths.map((_, slot) => ({ slot, offset: 0 })) : packed(lengths, layout);
  remembered.set(tree, { slots: layout, places });
  return places;
}

function packed(lengths: readonly number[], layout: Slots): Place[] {
  const { places, slots } = pack(lengths, layout.completionTokens);
  if (slots > layout.samples) {
    throw new InternalError(
      `packing: ${lengths.length} completions need ${slots} slots, and the layout has ${layout.samples}`,
    );
  }
  return places;
}
