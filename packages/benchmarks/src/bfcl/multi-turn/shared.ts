/**
 * State that the reference keeps once for a whole process, by the way Python works: the default lists of posts without tags or mentions, and the
 * cards and bookings that the long context adds. What one instance changes in them, every other one sees: the other side of the same
 * entry, and the entries after it. Verdicts are the official ones only if both sides of an entry share them.
 */
import type { LongContext } from './long-context.ts';
import type { Dict, Value } from './python/value.ts';

export class Shared {
  readonly tags: Value[] = [];
  readonly mentions: Value[] = [];
  #cards: Dict | undefined;
  #bookings: Dict | undefined;

  cards(long: LongContext): Dict {
    return (this.#cards ??= long.dict('CREDIT_CARD_EXTENSION'));
  }

  bookings(long: LongContext): Dict {
    return (this.#bookings ??= long.dict('BOOKING_RECORD_EXTENSION'));
  }
}
