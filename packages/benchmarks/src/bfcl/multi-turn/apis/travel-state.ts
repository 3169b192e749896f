/** TravelAPI's state, and what its methods share: the access token, cards and bookings. */
import type { LongContext } from '../long-context.ts';
import { noAttribute } from '../python/errors.ts';
import { subtract } from '../python/numbers.ts';
import { MersenneTwister } from '../python/random.ts';
import { Dict, dict, equal, type Value } from '../python/value.ts';
import { configured, type Setup, type Today } from './api.ts';

const SEED = 141053;

type PublicState = Record<
  | 'credit_card_list'
  | 'booking_record'
  | 'access_token'
  | 'token_type'
  | 'token_expires_in'
  | 'token_scope'
  | 'user_first_name'
  | 'user_last_name'
  | 'budget_limit',
  Value
>;

export interface Travel {
  readonly state: PublicState;
  readonly random: MersenneTwister;
  readonly long: LongContext | undefined;
  readonly today: Today;
}

export function load({ config, long, today, shared }: Setup): Travel {
  const get = (key: string): Value => configured(config, key, null);
  const state: PublicState = {
    credit_card_list: configured(config, 'credit_card_list', new Dict()),
    booking_record: configured(config, 'booking_record', new Dict()),
    access_token: get('access_token'),
    token_type: get('token_type'),
    token_expires_in: get('token_expires_in'),
    token_scope: get('token_scope'),
    user_first_name: get('user_first_name'),
    user_last_name: get('user_last_name'),
    budget_limit: get('budget_limit'),
  };
  const travel = { state, random: new MersenneTwister(SEED), long, today };
  if (long !== undefined) {
    complete(cards(travel), shared.cards(long));
    complete(bookings(travel), shared.bookings(long));
  }
  return travel;
}

/** Adds the entries whose keys are not there yet. */
function complete(map: Dict, more: Dict): void {
  for (const [key, value] of more.entries()) if (!map.has(key)) map.set(key, value);
}

export function cards({ state }: Travel): Dict {
  return asDict(state.credit_card_list);
}

export function bookings({ state }: Travel): Dict {
  return asDict(state.booking_record);
}

function asDict(value: Value): Dict {
  if (value instanceof Dict) return value;
  throw noAttribute(value, 'keys');
}

/** Checks an access token; a wrong one makes the right one expire sooner. */
export function tokenError({ state }: Travel, token: Value): string | undefined {
  if (equal(state.token_expires_in, 0n)) return 'Token expired';
  if (equal(token, state.access_token)) return undefined;
  state.token_expires_in = subtract(state.token_expires_in, 1n, '-=');
  return 'Invalid access token';
}

/** An error, behind the field that says what was not done. */
export function failed(error: string, undone?: string): Value {
  return dict({ ...(undone !== undefined && { [undone]: false }), error });
}

/** A method whose first parameter is an access token; its errors begin with the field `undone`. */
export function withToken<Values extends Value[]>(
  undone: string | undefined,
  run: (travel: Travel, ...values: Values) => Value,
): (travel: Travel, token: Value, ...values: Values) => Value {
  return (travel, token, ...values) => {
    const error = tokenError(travel, token);
    return error === undefined ? run(travel, ...values) : failed(error, undone);
  };
}
