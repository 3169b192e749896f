/** TravelAPI: flights, cards and their owner. Places and bookings have files of their own. */
import { hashable, item } from '../python/compare.ts';
import { parseMoment } from '../python/dates.ts';
import { noAttribute } from '../python/errors.ts';
import { toFloat } from '../python/numbers.ts';
import { repr, str } from '../python/print.ts';
import { dict, equal, type Value } from '../python/value.ts';
import { defineApi, differing } from './api.ts';
import { method } from './method.ts';
import {
  bookFlight,
  cancelBooking,
  contactSupport,
  isDay,
  purchaseInsurance,
  retrieveInvoice,
} from './travel-bookings.ts';
import { AIRPORTS, exchange, flightCost, nearestAirport } from './travel-places.ts';
import { cards, failed, load, tokenError, withToken, type Travel } from './travel-state.ts';

const ADULT_YEARS = 18;

function authenticate(
  { state, random }: Travel,
  _clientId: Value,
  _clientSecret: Value,
  _refreshToken: Value,
  grantType: Value,
  firstName: Value,
  lastName: Value,
): Value {
  state.token_expires_in = 2n;
  state.access_token = String(random.randint(100_000, 999_999));
  state.token_type = 'Bearer';
  state.token_scope = grantType;
  state.user_first_name = firstName;
  state.user_last_name = lastName;
  return dict({
    expires_in: state.token_expires_in,
    access_token: state.access_token,
    token_type: state.token_type,
    scope: state.token_scope,
  });
}

function loginStatus({ state }: Travel): Value {
  const expires = state.token_expires_in;
  return dict({ status: expires !== null && !equal(expires, 0n) });
}

function registerCard(
  travel: Travel,
  token: Value,
  card_number: Value,
  expiration_date: Value,
  cardholder_name: Value,
  card_verification_number: Value,
): Value {
  if (travel.state.token_expires_in === null) return failed('Token not initialized');
  const error = tokenError(travel, token);
  if (error !== undefined) return failed(error);
  // Compared with the cards' ids, not with their numbers.
  if (cards(travel).has(hashable(card_number))) return failed('Card already registered');
  const { random } = travel;
  const card_id = String(random.randint(100_000_000_000, 999_999_999_999));
  const balance = BigInt(random.randint(10_000, 99_999));
  cards(travel).set(
    card_id,
    dict({ card_number, expiration_date, cardholder_name, card_verification_number, balance }),
  );
  return dict({ card_id });
}

function cardBalance(travel: Travel, cardId: Value): Value {
  const card = cards(travel).get(hashable(cardId));
  if (card === undefined)
    return failed(`Card not registered. Here are a list of card_id's: ${repr(cards(travel).keys())}`);
  return dict({ card_balance: item(card, 'balance') });
}

function setBudgetLimit({ state }: Travel, limit: Value): Value {
  state.budget_limit = toFloat(limit);
  return dict({ budget_limit: state.budget_limit });
}

function verifyTraveler(
  { state, today }: Travel,
  firstName: Value,
  lastName: Value,
  birth: Value,
  passport: Value,
): Value {
  const refused = (verification_failure: string): Value =>
    dict({ verification_status: false, verification_failure });
  const { user_first_name, user_last_name } = state;
  if (!equal(user_first_name, firstName) || !equal(user_last_name, lastName)) {
    // No blank after the period.
    return refused(
      `Cannot book flight information for another user.Expected ${str(user_first_name)} ${str(user_last_name)}, ` +
        `got ${str(firstName)} ${str(lastName)}`,
    );
  }
  if (!isDay(birth)) return refused('Invalid date of birth format. Please use YYYY-MM-DD.');
  const { year, month, day } = parseMoment(birth, '%Y-%m-%d');
  const birthdayToCome = today.month < month || (today.month === month && today.day < day);
  if (today.year - year - (birthdayToCome ? 1 : 0) < ADULT_YEARS)
    return refused('Traveler must be at least 18 years old.');
  if (typeof passport !== 'string') throw noAttribute(passport, 'startswith');
  if (!passport.startsWith('US')) return refused('Passport must be issued by the United States.');
  return dict({ verification_status: true });
}

export const travelApi = defineApi<Travel>({
  className: 'TravelAPI',
  load,
  differences: (a, b) => differing(a.state, b.state),
  methods: {
    authenticate_travel: method(
      ['client_id', 'client_secret', 'refresh_token', 'grant_type', 'user_first_name', 'user_last_name'],
      authenticate,
    ),
    travel_get_login_status: method([], loginStatus),
    get_budget_fiscal_year: method(
      [
        ['lastModifiedAfter', null],
        ['includeRemoved', null],
      ],
      () => dict({ budget_fiscal_year: '2018' }),
    ),
    register_credit_card: method(
      ['access_token', 'card_number', 'expiration_date', 'cardholder_name', 'card_verification_number'],
      registerCard,
    ),
    get_flight_cost: method(['travel_from', 'travel_to', 'travel_date', 'travel_class'], flightCost),
    get_credit_card_balance: method(['access_token', 'card_id'], withToken(undefined, cardBalance)),
    book_flight: method(
      ['access_token', 'card_id', 'travel_date', 'travel_from', 'travel_to', 'travel_class'],
      withToken('booking_status', bookFlight),
    ),
    retrieve_invoice: method(
      ['access_token', ['booking_id', null], ['insurance_id', null]],
      withToken(undefined, retrieveInvoice),
    ),
    list_all_airports: method([], () => [...AIRPORTS]),
    cancel_booking: method(['access_token', 'booking_id'], withToken('cancel_status', cancelBooking)),
    compute_exchange_rate: method(['base_currency', 'target_currency', 'value'], exchange),
    verify_traveler_information: method(
      ['first_name', 'last_name', 'date_of_birth', 'passport_number'],
      verifyTraveler,
    ),
    set_budget_limit: method(['access_token', 'budget_limit'], withToken(undefined, setBudgetLimit)),
    get_nearest_airport_by_city: method(['location'], nearestAirport),
    purchase_insurance: method(
      ['access_token', 'insurance_type', 'booking_id', 'insurance_cost', 'card_id'],
      withToken('insurance_status', purchaseInsurance),
    ),
    contact_customer_support: method(['booking_id', 'message'], contactSupport),
    get_all_credit_cards: method([], (travel: Travel) => dict({ credit_card_list: cards(travel) })),
  },
});
