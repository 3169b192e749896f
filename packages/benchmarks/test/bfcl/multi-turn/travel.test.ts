/** TravelAPI. */
import { describe, expect, it } from 'vitest';
import { errorText, instanceOf, raised } from './made.ts';

const CONFIG = `{
  "credit_card_list": {"c1": {"card_number": "1", "balance": 10000}, "c2": {"card_number": "2"}},
  "booking_record": {}, "access_token": "t", "token_type": "Bearer", "token_expires_in": 2, "token_scope": "book",
  "user_first_name": "Ann", "user_last_name": "Lee", "budget_limit": 50.0
}`;
const traveller = (config = CONFIG) => instanceOf('TravelAPI', config);
const LOGIN = "authenticate_travel('c','s','r','book','Ann','Lee')";

function booking(changes: Readonly<Record<string, string>> = {}): string {
  const trip = {
    from: 'SFO',
    to: 'LAX',
    date: '2024-11-15',
    class: 'economy',
    card: 'c1',
    token: 't',
    ...changes,
  };
  return `book_flight('${trip.token}','${trip.card}','${trip.date}','${trip.from}','${trip.to}','${trip.class}')`;
}

describe('fares', () => {
  const cost = (from: string, to: string, date: string, travelClass: string): string =>
    traveller()(`get_flight_cost('${from}','${to}','${date}','${travelClass}')`)[0] ?? '';

  it('follow route, class and the digits of the day', () => {
    // 2+0+2+4+1+1+1+5 = 16 is even: 200 * 2. The day after is odd.
    expect(cost('SFO', 'LAX', '2024-11-15', 'economy')).toBe('{"travel_cost_list": [400.0]}');
    expect(cost('SFO', 'LAX', '2024-11-16', 'first')).toBe('{"travel_cost_list": [1000.0]}');
    expect(cost('LAX', 'SFO', 'tomorrow', 'business')).toBe('{"travel_cost_list": [400.0]}');
    expect(cost('OKD', 'LAX', '2024-11-16', 'economy')).toBe('{"travel_cost_list": [220.0]}');
  });

  it('exist in one direction only', () => {
    expect(cost('LAX', 'PHV', '1', 'economy')).toBe('{"travel_cost_list": [410.0]}');
    expect(cost('PHV', 'LAX', '1', 'economy')).toBe(raised('No available route for the given airports.'));
    expect(cost('SFO', 'LAX', '1', 'Economy')).toBe(
      raised('Invalid travel class. Options are: economy, business, first.'),
    );
  });

  it('are those of all 153 routes in the long context, which add up to 52,820', () => {
    const [text = ''] = instanceOf('TravelAPI', CONFIG, 'long')("get_flight_cost('SFO','LAX','1','economy')");
    const { travel_cost_list: costs } = JSON.parse(text) as { travel_cost_list: number[] };
    expect(costs).toHaveLength(153);
    expect(costs.reduce((sum, one) => sum + one, 0)).toBe(52_820);
    expect(costs.at(-1)).toBe(220);
  });
});

describe('booking', () => {
  it('charges the card, draws two ids, and keeps the record', () => {
    expect(
      traveller()(
        booking(),
        booking(),
        "get_credit_card_balance('t','c1')",
        "retrieve_invoice('t','7223063')",
      ),
    ).toEqual([
      '{"booking_id": "3426812", "transaction_id": "45451592", "booking_status": true, "booking_history": {}}',
      '{"booking_id": "7223063", "transaction_id": "35535380", "booking_status": true, "booking_history": {}}',
      '{"card_balance": 9200.0}',
      '{"invoice": {"booking_id": "7223063", "travel_date": "2024-11-15", "travel_from": "SFO", "travel_to": "LAX", ' +
        '"travel_class": "economy", "travel_cost": 400.0, "transaction_id": "35535380"}}',
    ]);
  });

  it('says what is wrong, in the order of the checks', () => {
    const refused = (changes: Readonly<Record<string, string>>, config?: string): string =>
      traveller(config)(booking(changes))[0] ?? '';
    const text = (error: string): string => `{"booking_status": false, "error": ${JSON.stringify(error)}}`;
    expect(refused({ token: 'x', card: 'c9' })).toBe(text('Invalid access token'));
    expect(refused({ card: 'c9' })).toBe(text('Card not registered'));
    expect(refused({ card: 'c2', from: 'QQQ' })).toBe(text('Balance not found'));
    expect(refused({ from: 'PVG' })).toBe(text('Invalid departure airport code: PVG'));
    expect(refused({ to: 'QQQ' })).toBe(text('Invalid destination airport code: QQQ'));
    expect(refused({ date: '2024-02-30' })).toBe(text('Invalid date format. Use YYYY-MM-DD.'));
    expect(refused({ from: 'PHV' })).toBe(text('No available route for the given airports.'));
    expect(refused({}, CONFIG.replace('10000', '399'))).toBe(text('Insufficient funds'));
    expect(refused({}, CONFIG.replace('50.0', '10001'))).toBe(text('Balance is less than budget limit'));
    expect(refused({ class: 'coach' })).toContain('Invalid travel class. Must be one of {');
  });

  it('is undone with the money', () => {
    expect(
      traveller()(
        booking(),
        "cancel_booking('t','3426812')",
        "get_credit_card_balance('t','c1')",
        "cancel_booking('t','3426812')",
      ).slice(1),
    ).toEqual([
      '{"cancel_status": true}',
      '{"card_balance": 10000.0}',
      '{"cancel_status": false, "error": "Booking not found"}',
    ]);
  });

  it('can be insured, below the budget limit, and asked about', () => {
    expect(
      traveller()(
        booking(),
        "purchase_insurance('t','full','3426812',51,'c1')",
        "purchase_insurance('t','full','3426812',50,'c9')",
        "purchase_insurance('t','full','3426812',50,'c2')",
        "contact_customer_support('0','Hello?')",
      ).slice(1),
    ).toEqual([
      '{"insurance_status": false, "error": "Exceeded budget limit"}',
      '{"insurance_status": false, "error": "Credit card not registered"}',
      raised("'balance'"),
      errorText('Booking not found'),
    ]);
    expect(traveller(CONFIG.replace('{}', '{"b": {}}'))("purchase_insurance('t','x','b',1,'c1')")).toEqual([
      '{"insurance_id": "255316027", "insurance_status": true}',
    ]);
  });
});

describe('the token', () => {
  it('expires with every wrong one', () => {
    expect(
      traveller()(
        "get_credit_card_balance('x','c1')",
        "get_credit_card_balance('x','c1')",
        'travel_get_login_status()',
        "get_credit_card_balance('t','c1')",
        LOGIN,
        LOGIN,
      ),
    ).toEqual([
      errorText('Invalid access token'),
      errorText('Invalid access token'),
      '{"status": false}',
      errorText('Token expired'),
      '{"expires_in": 2, "access_token": "251675", "token_type": "Bearer", "scope": "book"}',
      '{"expires_in": 2, "access_token": "966117", "token_type": "Bearer", "scope": "book"}',
    ]);
  });

  it('that there is none is an error, or an exception', () => {
    const card = "register_credit_card(None,'4','1/30','Ann',1)";
    expect(traveller('{}')(card, "set_budget_limit('x',1)")).toEqual([
      errorText('Token not initialized'),
      raised("unsupported operand type(s) for -=: 'NoneType' and 'int'"),
    ]);
  });
});

describe('cards', () => {
  it('are registered under twelve digits', () => {
    expect(
      traveller()("register_credit_card('t','4','1/30','Ann',1)", booking(), 'get_all_credit_cards()'),
    ).toEqual([
      '{"card_id": "262919693687"}',
      '{"booking_id": "7223063", "transaction_id": "35535380", "booking_status": true, "booking_history": {}}',
      '{"credit_card_list": {"c1": {"card_number": "1", "balance": 9600.0}, "c2": {"card_number": "2"}, ' +
        '"262919693687": {"card_number": "4", "expiration_date": "1/30", "cardholder_name": "Ann", ' +
        '"card_verification_number": 1, "balance": 44620}}}',
    ]);
  });

  it('that are unknown are answered with a list of those that are not', () => {
    expect(traveller()("get_credit_card_balance('t','c3')")).toEqual([
      errorText("Card not registered. Here are a list of card_id's: ['c1', 'c2']"),
    ]);
  });

  it('and bookings are more in the long context', () => {
    const long = instanceOf('TravelAPI', CONFIG, 'long');
    expect(long("get_credit_card_balance('t','1111')", "cancel_booking('t','booking_901')")).toEqual([
      '{"card_balance": 5000}',
      '{"cancel_status": true}',
    ]);
    expect(long("get_credit_card_balance('t','1111')")).toEqual(['{"card_balance": 5400}']);
  });
});

describe('travellers', () => {
  const verify = (first: string, birth: string, passport: string): string =>
    traveller()(`verify_traveler_information('${first}','Lee','${birth}',${passport})`)[0] ?? '';
  const refused = (why: string): string =>
    `{"verification_status": false, "verification_failure": ${JSON.stringify(why)}}`;

  it('are verified by name, age on the day, and passport', () => {
    expect(verify('Bob', '1990-01-01', "'US1'")).toBe(
      refused('Cannot book flight information for another user.Expected Ann Lee, got Bob Lee'),
    );
    expect(verify('Ann', '01/01/1990', "'US1'")).toBe(
      refused('Invalid date of birth format. Please use YYYY-MM-DD.'),
    );
    // The day is 2026-03-15.
    expect(verify('Ann', '2008-03-16', "'US1'")).toBe(refused('Traveler must be at least 18 years old.'));
    expect(verify('Ann', '2008-03-15', "'US1'")).toBe('{"verification_status": true}');
    expect(verify('Ann', '1990-01-01', "'GB1'")).toBe(
      refused('Passport must be issued by the United States.'),
    );
    expect(verify('Ann', '1990-01-01', '1')).toBe(raised("'int' object has no attribute 'startswith'"));
  });
});

it('exchanges money: dollars into others exactly, others into dollars by cents', () => {
  const exchange = (from: string, to: string, value: string): string =>
    traveller()(`compute_exchange_rate('${from}','${to}',${value})`)[0] ?? '';
  expect(exchange('USD', 'RMB', '3')).toBe('{"exchanged_value": 21}');
  expect(exchange('USD', 'RMB', '3.0')).toBe('{"exchanged_value": 21.0}');
  expect(exchange('USD', 'GBP', '1.1')).toBe('{"exchanged_value": 0.77}');
  expect(exchange('RMB', 'USD', '20000')).toBe('{"exchanged_value": 2857.14}');
  expect(exchange('USD', 'USD', '1')).toBe(raised('No available exchange rate for the given currencies.'));
});

it('lists airports as a Python list', () => {
  const [text = ''] = traveller()('list_all_airports()');
  expect(text).toMatch(/^\['RMS', 'SBK', .*'BOS'\]$/);
  expect(text.split(', ')).toHaveLength(23);
  expect(traveller()("get_nearest_airport_by_city('Rome')", "get_nearest_airport_by_city('rome')")).toEqual([
    '{"nearest_airport": "CIA"}',
    '{"nearest_airport": "Unknown"}',
  ]);
});
