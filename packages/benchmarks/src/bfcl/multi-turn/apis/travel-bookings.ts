/** TravelAPI's bookings, invoices and insurances. */
import { compare, hashable, item, setItem } from '../python/compare.ts';
import { parseMoment } from '../python/dates.ts';
import { Raised, unless } from '../python/errors.ts';
import { add, subtract } from '../python/numbers.ts';
import { repr, str } from '../python/print.ts';
import { Dict, dict, type Value } from '../python/value.ts';
import { AIRPORTS, fare, isTravelClass } from './travel-places.ts';
import { bookings, cards, failed, type Travel } from './travel-state.ts';

const INVOICE = ['travel_date', 'travel_from', 'travel_to', 'travel_class', 'travel_cost', 'transaction_id'];

/** Why a flight cannot be booked, as its error says it. */
class Refused extends Error {}

/** Tells whether a text is a day such as 2024-01-31; a value that is no text raises. */
export function isDay(date: Value): boolean {
  return unless(
    'ValueError',
    () => parseMoment(date, '%Y-%m-%d') !== undefined,
    () => false,
  );
}

export function bookFlight(
  travel: Travel,
  card_id: Value,
  travel_date: Value,
  travel_from: Value,
  travel_to: Value,
  travel_class: Value,
): Value {
  const card = cards(travel).get(hashable(card_id));
  const trip = { card_id, travel_date, travel_from, travel_to, travel_class };
  try {
    if (card === undefined) throw new Refused('Card not registered');
    const cost = costOf(travel, card, trip);
    setItem(card, 'balance', subtract(item(card, 'balance'), cost, '-='));
    return booked(travel, { ...trip, travel_cost: cost });
  } catch (thrown) {
    if (thrown instanceof Refused) return failed(thrown.message, 'booking_status');
    throw thrown;
  }
}

type Trip = Readonly<Record<'card_id' | 'travel_date' | 'travel_from' | 'travel_to' | 'travel_class', Value>>;

/** The fare, once everything about a trip was found to be in order; throws a Refused where it is not. */
function costOf(travel: Travel, card: Value, trip: Trip): number {
  const { travel_date, travel_from, travel_to, travel_class } = trip;
  if (!(card instanceof Dict) || !card.has('balance')) throw new Refused('Balance not found');
  if (!isAirport(travel_from)) throw new Refused(`Invalid departure airport code: ${str(travel_from)}`);
  if (!isAirport(travel_to)) throw new Refused(`Invalid destination airport code: ${str(travel_to)}`);
  if (!isDay(travel_date)) throw new Refused('Invalid date format. Use YYYY-MM-DD.');
  if (!isTravelClass(travel_class)) {
    // A set in Python, whose order changes from run to run.
    throw new Refused("Invalid travel class. Must be one of {'economy', 'business', 'first'}");
  }
  const cost = unless(
    'ValueError',
    () => fare(travel, travel_from, travel_to, travel_date, travel_class),
    (raised) => {
      throw new Refused(raised.message);
    },
  );
  const balance = item(card, 'balance');
  if (compare(balance, '<', cost)) throw new Refused('Insufficient funds');
  const { budget_limit } = travel.state;
  // The budget is held against what is on the card, not against the fare.
  if (budget_limit !== null && compare(balance, '<', budget_limit))
    throw new Refused('Balance is less than budget limit');
  return cost;
}

function isAirport(code: Value): boolean {
  return typeof code === 'string' && AIRPORTS.includes(code);
}

function booked(travel: Travel, record: Readonly<Record<string, Value>>): Value {
  const { random, long } = travel;
  const booking_id = String(random.randint(1_000_000, 9_999_999));
  const transaction_id = String(random.randint(10_000_000, 99_999_999));
  const records = bookings(travel);
  records.set(booking_id, dict({ ...record, transaction_id }));
  return dict({
    booking_id,
    transaction_id,
    booking_status: true,
    booking_history: long === undefined ? dict({}) : records,
  });
}

/** Insurances have no invoices of their own: their ids are ignored. */
export function retrieveInvoice(travel: Travel, booking_id: Value): Value {
  const record = bookings(travel).get(hashable(booking_id));
  if (record === undefined) return failed('Booking not found');
  const invoice = dict({ booking_id });
  for (const field of INVOICE) invoice.set(field, item(record, field));
  return dict({ invoice });
}

export function cancelBooking(travel: Travel, bookingId: Value): Value {
  const key = hashable(bookingId);
  const record = bookings(travel).get(key);
  if (record === undefined) return failed('Booking not found', 'cancel_status');
  const id = hashable(item(record, 'card_id'));
  const cost = item(record, 'travel_cost');
  const card = cards(travel).get(id);
  if (card === undefined) throw new Raised('KeyError', repr(id));
  setItem(card, 'balance', add(item(card, 'balance'), cost, '+='));
  bookings(travel).delete(key);
  return dict({ cancel_status: true });
}

export function purchaseInsurance(
  travel: Travel,
  _type: Value,
  bookingId: Value,
  cost: Value,
  cardId: Value,
): Value {
  const refused = (error: string): Value => failed(error, 'insurance_status');
  const { budget_limit } = travel.state;
  if (budget_limit !== null && compare(budget_limit, '<', cost)) return refused('Exceeded budget limit');
  if (!bookings(travel).has(hashable(bookingId))) return refused('Booking not found');
  const card = cards(travel).get(hashable(cardId));
  if (card === undefined) return refused('Credit card not registered');
  setItem(card, 'balance', subtract(item(card, 'balance'), cost, '-='));
  const insurance_id = String(travel.random.randint(100_000_000, 999_999_999));
  return dict({ insurance_id, insurance_status: true });
}

export function contactSupport(travel: Travel, bookingId: Value): Value {
  if (!bookings(travel).has(hashable(bookingId))) return failed('Booking not found');
  return dict({
    customer_support_message:
      'Thank you for contacting customer support. Your message has been received and we will get back to you shortly.',
  });
}
