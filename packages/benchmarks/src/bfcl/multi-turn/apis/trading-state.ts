/** TradingBot's state. */
import type { LongContext } from '../long-context.ts';
import { contains, hashable, item, setItem } from '../python/compare.ts';
import { noAttribute } from '../python/errors.ts';
import { add } from '../python/numbers.ts';
import { MersenneTwister } from '../python/random.ts';
import { Dict, dict, truthy, type Value } from '../python/value.ts';
import { configured, type Setup } from './api.ts';

const SEED = 1053520;
/** The clock stands still at 2024-09-01 10:30:00 UTC; transactions happen within a day from then. Seconds of Unix time. */
const NOW = 1725186600;
const DAY = 86_400;

type PublicState = Record<
  | 'orders'
  | 'account_info'
  | 'authenticated'
  | 'market_status'
  | 'order_counter'
  | 'stocks'
  | 'watch_list'
  | 'transaction_history',
  Value
>;

export interface Trading {
  readonly state: PublicState;
  readonly random: MersenneTwister;
  readonly long: LongContext | undefined;
}

/** Symbol, price, percent change, volume, moving averages of 5 and 20 days. */
const STOCKS: readonly (readonly [string, number, number, number, number, number])[] = [
  ['AAPL', 227.16, 0.17, 2.552, 227.11, 227.09],
  ['GOOG', 2840.34, 0.24, 1.123, 2835.67, 2842.15],
  ['TSLA', 667.92, -0.12, 1.654, 671.15, 668.2],
  ['MSFT', 310.23, 0.09, 3.234, 309.88, 310.11],
  ['NVDA', 220.34, 0.34, 1.234, 220.45, 220.67],
  ['ALPH', 1320.45, -0.08, 1.567, 1321.12, 1325.78],
  ['OMEG', 457.23, 0.12, 2.345, 456.78, 458.12],
  ['QUAS', 725.89, -0.03, 1.789, 726.45, 728],
  ['NEPT', 88.34, 0.19, 0.654, 88.21, 88.67],
  ['SYNX', 345.67, 0.11, 2.112, 345.34, 346.12],
  ['ZETA', 22.09, -0.05, 0.789, 22.12, 22.34],
];

function defaultStocks(): Dict {
  return new Dict(
    STOCKS.map(([symbol, price, percent_change, volume, five, twenty]) => [
      symbol,
      dict({ price, percent_change, volume, 'MA(5)': five, 'MA(20)': twenty }),
    ]),
  );
}

function defaultOrders(): Dict {
  const order = (
    id: bigint,
    order_type: string,
    symbol: string,
    price: number,
    amount: bigint,
    status: string,
  ): readonly [bigint, Dict] => [id, dict({ id, order_type, symbol, price, amount, status })];
  return new Dict([
    order(12345n, 'Buy', 'AAPL', 210.65, 10n, 'Completed'),
    order(12446n, 'Sell', 'GOOG', 2840.56, 5n, 'Pending'),
  ]);
}

/** JSON made texts of the ids, which become ints again; other keys stay. */
function withIntegerIds(orders: Value): Value {
  if (!(orders instanceof Dict)) throw noAttribute(orders, 'items');
  return new Dict(
    orders
      .entries()
      .map(([key, value]) => [typeof key === 'string' && /^\d+$/.test(key) ? BigInt(key) : key, value]),
  );
}

export function load({ config, long }: Setup): Trading {
  const account = dict({ account_id: 12345n, balance: 10_000, binding_card: 1974202140965533n });
  return {
    state: {
      orders: withIntegerIds(configured(config, 'orders', defaultOrders())),
      account_info: configured(config, 'account_info', account),
      authenticated: configured(config, 'authenticated', false),
      market_status: configured(config, 'market_status', 'Closed'),
      order_counter: configured(config, 'order_counter', 12446n),
      stocks: configured(config, 'stocks', defaultStocks()),
      watch_list: configured(config, 'watch_list', ['NVDA']),
      transaction_history: configured(config, 'transaction_history', []),
    },
    random: new MersenneTwister(SEED),
    long,
  };
}

export function failed(error: string): Value {
  return dict({ error });
}

/** A method that wants somebody to be logged in, in order `to` do something. */
export function authenticated<Values extends Value[]>(
  to: string,
  run: (trading: Trading, ...values: Values) => Value,
): (trading: Trading, ...values: Values) => Value {
  return (trading, ...values) =>
    truthy(trading.state.authenticated)
      ? run(trading, ...values)
      : failed(`User not authenticated. Please log in to ${to}.`);
}

/** Entry under a symbol, order id, ...; undefined where nothing is. */
export function lookUp(map: Value, key: Value): Value | undefined {
  if (!contains(map, key)) return undefined;
  return item(map, hashable(key));
}

/** Writes a transaction down, at a time within the next day, with the new balance, which it returns. */
export function transact({ state, random }: Trading, type: string, amount: Value, balance: Value): Value {
  setItem(state.account_info, 'balance', balance);
  const timestamp = timestampText(random.randint(NOW, NOW + DAY));
  state.transaction_history = add(state.transaction_history, [dict({ type, amount, timestamp })]);
  return balance;
}

/** "YYYY-MM-DD HH:MM:SS" in UTC. */
function timestampText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
